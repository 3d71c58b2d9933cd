// @huggingface/gguf reads files that we write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gguf } from '@huggingface/gguf';

async function read(path) {
  const { metadata, tensorInfos } = await gguf(path, { allowLocalFile: true });
  assert.equal(metadata['general.architecture'], 'qwen3');
  assert.ok(metadata['tokenizer.ggml.tokens'].length >= 320);
  assert.ok(tensorInfos.some((tensor) => tensor.name === 'token_embd.weight' && tensor.shape.length === 2));
  assert.equal(BigInt(tensorInfos.length), metadata.tensor_count);
  return { metadata, tensorInfos };
}

test('metadata and tensors', () => read(process.env.DOCMIND_GGUF));

test('a quantized file, with its report', async () => {
  const { metadata, tensorInfos } = await read(process.env.DOCMIND_QUANTIZED_GGUF);
  assert.equal(metadata['general.file_type'], 15, 'mostly Q4_K, medium');
  assert.equal(metadata['general.quantization_version'], 2);
  assert.ok(tensorInfos.some((tensor) => tensor.dtype === 12), 'Q4_K');
  assert.ok(tensorInfos.some((tensor) => tensor.dtype === 14), 'Q6_K');
  const report = JSON.parse(metadata['docmind.quantize.report']);
  assert.equal(report.type, 'q4_k_m');
  assert.ok(report.quality.mean_kld >= 0);
  assert.ok(report.quality.same_top > 0);
  assert.ok(report.bits_per_weight < 7);
});
