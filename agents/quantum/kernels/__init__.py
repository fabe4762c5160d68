"""Compiled state-vector kernels: arrays in and out, one vector register of samples per amplitude."""
