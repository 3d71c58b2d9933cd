// @huggingface/gguf reads files that we write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gguf } from '@huggingface/gguf';

test('metadata and tensors', async () => {
  const { metadata, tensorInfos } = await gguf(process.env.DOCMIND_GGUF, { allowLocalFile: true });
  assert.equal(metadata['general.architecture'], 'qwen3');
  assert.ok(metadata['tokenizer.ggml.tokens'].length >= 320);
  assert.ok(tensorInfos.some((tensor) => tensor.name === 'token_embd.weight' && tensor.shape.length === 2));
  assert.equal(BigInt(tensorInfos.length), metadata.tensor_count);
});
