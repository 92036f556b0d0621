// DEPTH beats in between; the reader's ready does not reach the writer in the same clock. Part of levelone.
module levelone_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 2
) (
    input              clk,
    input              rst,
    input              i_valid,
    output             i_ready,
    input  [WIDTH-1:0] i_data,
    output             o_valid,
    input              o_ready,
    output [WIDTH-1:0] o_data
);
    localparam ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam LAST = DEPTH - 1;
    reg [WIDTH-1:0] memory[0:DEPTH-1];
    reg [ADDRESS-1:0] head, tail;
    reg [ADDRESS:0] held;
    reg some, room;  // held is not 0, is not DEPTH
    wire writes = i_valid & i_ready, reads = o_valid & o_ready;
    assign i_ready = room;
    assign o_valid = some;
    assign o_data  = memory[tail];
    always @(posedge clk) if (writes) memory[head] <= i_data;
    always @(posedge clk)
        if (rst) begin
            head <= 0;
            tail <= 0;
            held <= 0;
            some <= 0;
            room <= 1;
        end else begin
            if (writes) head <= head == LAST[ADDRESS-1:0] ? 0 : head + 1'b1;
            if (reads) tail <= tail == LAST[ADDRESS-1:0] ? 0 : tail + 1'b1;
            held <= held + {{ADDRESS{1'b0}}, writes} - {{ADDRESS{1'b0}}, reads};
            some <= writes || held > 1 || (held == 1 && !reads);
            room <= reads || held < LAST || (held == LAST && !writes);
        end
endmodule
