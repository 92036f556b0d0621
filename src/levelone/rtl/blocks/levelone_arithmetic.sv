// The sum, the weighted sum or the product of two beats, lane by lane. Part of levelone.
module levelone_arithmetic #(
    parameter LANES = 1,
    parameter A = 8, A_SIGNED = 0,
    parameter B = 8, B_SIGNED = 0,
    parameter RESULT = 9,                               // results wrap: bits that hold the last one
    parameter PRODUCT = 0,                              // 1: a * b
    parameter FACTOR = 2,                               // bits of the factors of a weighted sum, signed
    parameter [LANES*FACTOR-1:0] FIRST = {LANES{{FACTOR - 1{1'b0}}, 1'b1}},
    parameter [LANES*FACTOR-1:0] SECOND = {LANES{{FACTOR - 1{1'b0}}, 1'b1}},
    parameter [LANES*RESULT-1:0] TERM = 0
) (
    input                         clk,
    input                         rst,
    input                         a_valid,
    output                        a_ready,
    input  [LANES*A-1:0]          a_data,
    input                         b_valid,
    output                        b_ready,
    input  [LANES*B-1:0]          b_data,
    output                        o_valid,
    input                         o_ready,
    output reg [LANES*RESULT-1:0] o_data
);
    wire both = a_valid && b_valid;
    wire en, takes;
    assign a_ready = takes && both;
    assign b_ready = takes && both;
    levelone_stage stage (
        .clk(clk), .rst(rst), .i_valid(both), .i_ready(takes), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            wire [A-1:0] a_code = a_data[l*A+:A];
            wire [B-1:0] b_code = b_data[l*B+:B];
            wire signed [A:0] a = {A_SIGNED ? a_code[A-1] : 1'b0, a_code};
            wire signed [B:0] b = {B_SIGNED ? b_code[B-1] : 1'b0, b_code};
            wire signed [FACTOR-1:0] first = FIRST[l*FACTOR+:FACTOR];
            wire signed [FACTOR-1:0] second = SECOND[l*FACTOR+:FACTOR];
            wire signed [A+B+1:0] product = a * b;
            wire signed [A+FACTOR:0] from_a = a * first;
            wire signed [B+FACTOR:0] from_b = b * second;
            wire signed [RESULT-1:0] wide_product = product, wide_a = from_a, wide_b = from_b;
            always @(posedge clk)
                if (en) o_data[l*RESULT+:RESULT] <= PRODUCT ? wide_product : wide_a + wide_b + TERM[l*RESULT+:RESULT];
        end
    endgenerate
endmodule
