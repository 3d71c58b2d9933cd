#!/usr/bin/env python3
"""Quantizes a GGUF file with llama.cpp's own library, as the npm package node-llama-cpp ships it.

llama_quantize.py IN OUT FTYPE THREADS prints one line of JSON with the seconds that the call took.
"""
import ctypes
import json
import pathlib
import sys
import time

LIBRARIES = pathlib.Path(__file__).resolve().parents[2] / \
    "tests/parity/oracle/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"
# llama_ftype of llama.h
FILE_TYPES = {"f16": 1, "q4_0": 2, "q8_0": 7, "q4_k_s": 14, "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18}


class Parameters(ctypes.Structure):
    """The first fields of llama_model_quantize_params; room for those of any version behind them."""
    _fields_ = [("n_threads", ctypes.c_int32), ("file_type", ctypes.c_int32), ("rest", ctypes.c_byte * 512)]


def library():
    for name in ("libggml-base.so", "libggml.v0.5.0.so"):
        ctypes.CDLL(str(LIBRARIES / name), mode=ctypes.RTLD_GLOBAL)
    llama = ctypes.CDLL(str(LIBRARIES / "libllama.v0.5.0.so"), mode=ctypes.RTLD_GLOBAL)
    llama.llama_model_quantize_default_params.restype = Parameters
    llama.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Parameters)]
    return llama


def quantize(source, destination, file_type, n_threads):
    llama = library()
    log = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    llama.llama_log_set(log, None)
    ggml = ctypes.CDLL(str(LIBRARIES / "libggml.v0.5.0.so"))
    ggml.ggml_backend_load_all_from_path(str(LIBRARIES).encode())
    llama.llama_backend_init()
    parameters = llama.llama_model_quantize_default_params()
    parameters.n_threads, parameters.file_type = n_threads, FILE_TYPES[file_type]
    started = time.perf_counter()
    code = llama.llama_model_quantize(source.encode(), destination.encode(), ctypes.byref(parameters))
    if code != 0:
        sys.exit(f"llama.cpp cannot quantize {source}: code {code}")
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps({"seconds": quantize(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))}))
