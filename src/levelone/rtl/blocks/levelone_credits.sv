// How many beats may still be sent to where DEPTH have room: one less for each that is taken, one more for each that is
// given back. Part of levelone.
module levelone_credits #(
    parameter DEPTH = 4
) (
    input  clk,
    input  rst,
    input  take,
    input  give,
    output reg some
);
    localparam BITS = $clog2(DEPTH + 1);
    reg [BITS-1:0] left;
    always @(posedge clk)
        if (rst) some <= 1;
        else some <= give || left > 1 || (left == 1 && !take);
    always @(posedge clk)
        if (rst) left <= DEPTH[BITS-1:0];
        else left <= left - {{BITS-1{1'b0}}, take} + {{BITS-1{1'b0}}, give};
endmodule
