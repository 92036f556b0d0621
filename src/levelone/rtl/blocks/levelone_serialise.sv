// Beats of COUNT parts, each WIDTH bits, to COUNT beats of one part, the lowest first, all of them REPEATS times. Part of
// levelone.
module levelone_serialise #(
    parameter WIDTH = 8,
    parameter COUNT = 2,
    parameter REPEATS = 1
) (
    input                    clk,
    input                    rst,
    input                    i_valid,
    output                   i_ready,
    input  [COUNT*WIDTH-1:0] i_data,
    output                   o_valid,
    input                    o_ready,
    output [WIDTH-1:0]       o_data
);
    localparam BEATS = COUNT * REPEATS;
    localparam BITS = $clog2(BEATS + 1);
    reg [COUNT*WIDTH-1:0] parts;
    reg [BITS-1:0] left;
    assign o_valid = left != 0;
    assign o_data  = parts[WIDTH-1:0];
    assign i_ready = left == 0 || (left == 1 && o_ready);
    always @(posedge clk)
        if (rst) left <= 0;
        else if (i_valid && i_ready) left <= BEATS[BITS-1:0];
        else if (o_valid && o_ready) left <= left - 1'b1;
    always @(posedge clk)
        if (i_valid && i_ready) parts <= i_data;
        else if (o_valid && o_ready) parts <= (parts >> WIDTH) | (REPEATS > 1 ? parts << (COUNT - 1) * WIDTH : 0);
endmodule
