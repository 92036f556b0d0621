"""The second hardware body: streamed SystemVerilog made from the integer graph, run in Verilator."""
