from micrograd_sm.program.function import compile
