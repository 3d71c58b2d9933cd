// What all client tests share: where the server is, and what it has loaded.
export const url = process.env.DOCMIND_URL;
export const key = process.env.DOCMIND_KEY ?? 'none';
// Names of the random models; their words mean nothing, their shapes do.
export const chatModel = 'generator';
export const embedModel = 'embedder';
export const rerankModel = 'reranker';

// Waits until everything that was handed in is indexed.
export async function indexed(collection = 'default') {
  for (let i = 0; i < 600; i++) {
    const job = await (await fetch(`${url}/v1/index?collection=${collection}`, { headers })).json();
    if (!job.running && !job.queued && job.job > 0) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('indexing did not end');
}

export const headers = { authorization: `Bearer ${key}` };

export function cosine(a, b) {
  let dot = 0, aa = 0, bb = 0;
  a.forEach((x, i) => { dot += x * b[i]; aa += x * x; bb += b[i] * b[i]; });
  return dot / Math.sqrt(aa * bb);
}
