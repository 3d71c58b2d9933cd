"""Writes GGUF models of true dimensions with random weights, for measurements of speed.

Weights are random bytes with block scales that keep activations near 1, the same on every machine. Usage:
model_files.py FOLDER [NAME...]; a file that is there already is kept.
"""
import math
import pathlib
import random
import struct
import sys

U32, I32, F32_VALUE, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
# GGUF's number, elements a block, bytes a block
TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q8_0": (8, 32, 34), "Q4_K": (12, 256, 144), "Q6_K": (14, 256, 210)}
ALIGNMENT = 32
# Standard deviations of uniformly random codes.
CODES_4_BIT, CODES_6_BIT, CODES_8_BIT = 4.61, 18.47, 73.9

QWEN3_06B = {"layers": 28, "embd": 1024, "ff": 3072, "heads": 16, "kv_heads": 8, "head_dim": 128,
             "vocab": 151_936, "context": 40_960}
# Small, with six pairs of channels of keys that are eight times as large as the others, as trained models have.
HOT_KEYS = {"layers": 4, "embd": 512, "ff": 1024, "heads": 8, "kv_heads": 4, "head_dim": 128, "vocab": 2_048,
            "context": 8_192, "hot_pairs": (3, 17, 40, 47, 55, 62), "hot_gain": 8.0}
BGE_M3 = {"layers": 24, "embd": 1024, "ff": 4096, "heads": 16, "vocab": 250_002, "context": 8_192}


def mixed_types(name, layer, layers):
    """Q4_K_M: the tensors that suffer most, and half of two kinds in turn, are Q6_K."""
    if name == "token_embd.weight":
        return "Q6_K"
    if name.endswith(("attn_v.weight", "ffn_down.weight")):
        eighth = layers // 8
        if layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2:
            return "Q6_K"
    return "Q4_K"


def text(value):
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def entry(key, kind, value):
    head = text(key) + struct.pack("<I", kind)
    if kind == STRING:
        return head + text(value)
    if kind == ARRAY:
        element, items = value
        body = b"".join(map(text, items)) if element == STRING else struct.pack(f"<{len(items)}i", *items)
        return head + struct.pack("<IQ", element, len(items)) + body
    return head + struct.pack({U32: "<I", I32: "<i", F32_VALUE: "<f", BOOL: "<?"}[kind], value)


def half_high_bytes(deviation):
    """A table from random bytes to the high bytes of halves of that deviation: sign, exponent, two bits of mantissa.

    Mantissas are uniform, so that a number of exponent e has the mean square 7/3 * 4^e; a share of the numbers has the
    exponent `top`, the others a quarter of their size.
    """
    square = deviation * deviation * 3 / 7
    top = math.ceil(math.log(square, 4))
    share = (square - 4.0 ** (top - 2)) / (4.0 ** top - 4.0 ** (top - 2))
    def high(byte):
        exponent = top if (byte >> 2 & 31) < round(32 * share) else top - 2
        return byte & 0x80 | exponent + 15 << 2 | byte & 3
    return bytes(map(high, range(256)))


def weights(kind, n_elements, deviation, source):
    """Random blocks of a quantized type, or random halves."""
    _, block_len, size = TYPES[kind]
    n_blocks = n_elements // block_len
    data = bytearray()
    while len(data) < n_blocks * size:  # randbytes() makes at most 256 MiB
        data += source.randbytes(min(n_blocks * size - len(data), 1 << 24))

    def put(at, value):
        for i, byte in enumerate(struct.pack("<e", value)):
            data[at + i::size] = bytes([byte]) * n_blocks

    if kind == "F16":
        data[1::2] = data[1::2].translate(half_high_bytes(deviation))
    elif kind == "Q8_0":
        put(0, deviation / CODES_8_BIT)
    elif kind == "Q6_K":
        put(208, deviation / CODES_6_BIT / 73.9)
    else:  # Q4_K: eight 6-bit scales with mins equal to them, which centres the codes
        for j in range(4):
            data[4 + j::size] = data[j::size]
            data[8 + j::size] = data[8 + j::size].translate(bytes((b & 15) * 17 for b in range(256)))
        scale = deviation / CODES_4_BIT / 36.4
        put(0, scale)
        put(2, 7.5 * scale)
    return data


class ModelFile:
    """Collects metadata and tensors, then writes them."""

    def __init__(self, architecture, name, size):
        self.architecture, self.size = architecture, size
        self.entries, self.tensors = [], []  # tensors: name, dims, type, mean, deviation
        self.add("general.architecture", STRING, architecture)
        self.add("general.name", STRING, name)
        self.add("general.quantization_version", U32, 2)
        self.own("block_count", U32, size["layers"])
        self.own("context_length", U32, size["context"])
        self.own("embedding_length", U32, size["embd"])
        self.own("feed_forward_length", U32, size["ff"])
        self.own("attention.head_count", U32, size["heads"])

    def add(self, key, kind, value):
        self.entries.append(entry(key, kind, value))

    def own(self, key, kind, value):
        self.add(f"{self.architecture}.{key}", kind, value)

    def vocabulary(self, model, tokens, types, special):
        self.add("tokenizer.ggml.model", STRING, model)
        self.add("tokenizer.ggml.tokens", ARRAY, (STRING, tokens))
        self.add("tokenizer.ggml.token_type", ARRAY, (I32, types))
        for name, token in special.items():
            self.add(f"tokenizer.ggml.{name}_token_id", U32, token)

    def vector(self, name, n, mean=0.0):
        """`mean` is a number, or one for each element."""
        self.tensors.append((name, (n,), "F32", mean, 0.02))

    def matrix(self, name, n_in, n_out, kind, deviation=None):
        self.tensors.append((name, (n_in, n_out), kind, 0.0, deviation or 1 / math.sqrt(n_in)))

    def write(self, path):
        head = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.entries)))
        head += b"".join(self.entries)
        offset = 0
        for name, dims, kind, _, _ in self.tensors:
            number, block_len, size = TYPES[kind]
            head += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", number, offset)
            offset += -(-(math.prod(dims) // block_len * size) // ALIGNMENT) * ALIGNMENT
        partial = path.with_suffix(".part")
        with open(partial, "wb") as out:
            out.write(head + b"\0" * (-len(head) % ALIGNMENT))
            for tensor in self.tensors:
                data = self.bytes_of(*tensor)
                out.write(data)
                out.write(b"\0" * (-len(data) % ALIGNMENT))
        partial.rename(path)

    @staticmethod
    def bytes_of(name, dims, kind, mean, deviation):
        source = random.Random(name)
        n = math.prod(dims)
        if kind != "F32":
            return weights(kind, n, deviation, source)
        if isinstance(mean, tuple):
            return struct.pack(f"<{n}f", *(source.gauss(m, deviation) for m in mean))
        few = [source.gauss(mean, deviation) for _ in range(min(n, 65_521))]  # repeated: a prime number
        return (struct.pack(f"<{len(few)}f", *few) * -(-n // len(few)))[:4 * n]


def key_gains(size):
    """Of attn_k_norm: pairs that rotate together have the same."""
    hot, half = size.get("hot_pairs", ()), size["head_dim"] // 2
    return tuple(size["hot_gain"] if i % half in hot else 1.0 for i in range(size["head_dim"]))


def decoder(name, size, kind_of):
    model = ModelFile("qwen3", name, size)
    embd, head_dim = size["embd"], size["head_dim"]
    q, kv = size["heads"] * head_dim, size["kv_heads"] * head_dim
    model.own("attention.head_count_kv", U32, size["kv_heads"])
    model.own("attention.key_length", U32, head_dim)
    model.own("attention.value_length", U32, head_dim)
    model.own("attention.layer_norm_rms_epsilon", F32_VALUE, 1e-6)
    model.own("rope.freq_base", F32_VALUE, 1e6)
    n_vocab = size["vocab"]
    # The 256 letters of byte BPE, then words that no merge makes.
    letters = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 324)]]
    tokens = letters + [f"t{i}" for i in range(len(letters), n_vocab - 3)]
    tokens += ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    model.add("tokenizer.ggml.pre", STRING, "qwen2")
    model.add("tokenizer.ggml.merges", ARRAY, (STRING, ["a b"]))
    model.add("tokenizer.ggml.add_bos_token", BOOL, False)
    model.vocabulary("gpt2", tokens, [1] * (n_vocab - 3) + [3] * 3, {"eos": n_vocab - 1, "padding": n_vocab - 3})

    def matrix(tensor, n_in, n_out, layer=0, deviation=None):
        model.matrix(tensor, n_in, n_out, kind_of(tensor, layer, size["layers"]), deviation)

    matrix("token_embd.weight", embd, n_vocab, deviation=0.1)  # tied: logits of deviation 3
    model.vector("output_norm.weight", embd, 1.0)
    for layer in range(size["layers"]):
        at = f"blk.{layer}."
        for norm, n, mean in (("attn_norm", embd, 1.0), ("attn_q_norm", head_dim, 1.0),
                              ("attn_k_norm", head_dim, key_gains(size)), ("ffn_norm", embd, 1.0)):
            model.vector(f"{at}{norm}.weight", n, mean)
        for tensor, n_in, n_out in (("attn_q", embd, q), ("attn_k", embd, kv), ("attn_v", embd, kv),
                                    ("attn_output", q, embd), ("ffn_gate", embd, size["ff"]),
                                    ("ffn_up", embd, size["ff"]), ("ffn_down", size["ff"], embd)):
            matrix(f"{at}{tensor}.weight", n_in, n_out, layer)
    return model


def encoder(name, size, kind, ranks):
    """BGE-M3, and its reranker when `ranks`, with a vocabulary of pieces instead of the trained one."""
    model = ModelFile("bert", name, size)
    embd, n_vocab = size["embd"], size["vocab"]
    model.own("attention.layer_norm_epsilon", F32_VALUE, 1e-5)
    model.own("attention.causal", BOOL, False)
    model.own("pooling_type", U32, 4 if ranks else 2)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [prefix + chr(97 + i) for i in range(26) for prefix in ("", "\u2581")]
    tokens += [f"\u2581w{i}" for i in range(len(tokens), n_vocab)]
    model.add("tokenizer.ggml.token_type_count", U32, 1)
    model.vocabulary("bert", tokens, [3] * 5 + [1] * (n_vocab - 5),
                     {"bos": 2, "eos": 3, "unknown": 1, "seperator": 3, "padding": 0, "cls": 2, "mask": 4})

    def linear(tensor, n_in, n_out):
        model.matrix(f"{tensor}.weight", n_in, n_out, kind)
        model.vector(f"{tensor}.bias", n_out)

    def norm(tensor):
        model.vector(f"{tensor}.weight", embd, 1.0)
        model.vector(f"{tensor}.bias", embd)

    model.matrix("token_embd.weight", embd, n_vocab, kind, 0.05)
    model.matrix("position_embd.weight", embd, size["context"], "F32", 0.02)
    model.vector("token_types.weight", embd)
    norm("token_embd_norm")
    for layer in range(size["layers"]):
        at = f"blk.{layer}."
        for tensor in ("attn_q", "attn_k", "attn_v", "attn_output"):
            linear(at + tensor, embd, embd)
        norm(at + "attn_output_norm")
        linear(at + "ffn_up", embd, size["ff"])
        linear(at + "ffn_down", size["ff"], embd)
        norm(at + "layer_output_norm")
    if ranks:
        linear("cls", embd, embd)
        model.matrix("cls.output.weight", embd, 1, "F32")
        model.vector("cls.output.bias", 1)
    return model


MODELS = {
    "qwen3-0.6b-q8_0": lambda name: decoder(name, QWEN3_06B, lambda *_: "Q8_0"),
    "qwen3-0.6b-q4_k": lambda name: decoder(name, QWEN3_06B, lambda *_: "Q4_K"),
    "qwen3-0.6b-q4_k_m": lambda name: decoder(name, QWEN3_06B, mixed_types),
    "qwen3-0.6b-f16": lambda name: decoder(name, QWEN3_06B, lambda *_: "F16"),
    "hot-keys-f32": lambda name: decoder(name, HOT_KEYS, lambda *_: "F32"),
    "bge-m3-f16": lambda name: encoder(name, BGE_M3, "F16", ranks=False),
    "bge-m3-q8_0": lambda name: encoder(name, BGE_M3, "Q8_0", ranks=False),
    "bge-reranker-v2-m3-q8_0": lambda name: encoder(name, BGE_M3, "Q8_0", ranks=True),
}


def model_file(folder, name):
    """The path of a model, written if it is not there."""
    path = pathlib.Path(folder) / f"{name}.gguf"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        MODELS[name](f"random {name}").write(path)
    return path


if __name__ == "__main__":
    for wanted in sys.argv[2:] or MODELS:
        print(model_file(sys.argv[1], wanted))
