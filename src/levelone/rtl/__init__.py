"""The second hardware body: SystemVerilog of the integer graph, streamed or unrolled, run in Verilator."""
