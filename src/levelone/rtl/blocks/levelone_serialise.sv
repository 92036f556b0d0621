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
    reg some, one;  // left is not 0, is 1
    assign o_valid = some;
    assign o_data  = parts[WIDTH-1:0];
    assign i_ready = !some || (one && o_ready);
    always @(posedge clk)
        if (rst) begin
            left <= 0; some <= 0; one <= 0;
        end else if (i_valid && i_ready) begin
            left <= BEATS[BITS-1:0]; some <= 1; one <= BEATS == 1;
        end else if (o_valid && o_ready) begin
            left <= left - 1'b1; some <= !one; one <= left == 2;
        end
    always @(posedge clk)
        if (i_valid && i_ready) parts <= i_data;
        else if (o_valid && o_ready) parts <= (parts >> WIDTH) | (REPEATS > 1 ? parts << (COUNT - 1) * WIDTH : 0);
endmodule
