// OUTPUTS sums of TAPS products each, one tap of every input lane per clock, SWEEPS sets of weights in turn:
// sum = bias + sum over taps of sum over lanes of its group. Weights and biases come from memories that answer
// a clock after the address. Sums wrap: whatever is on the way, the last is right when SUM bits hold it.
// Part of levelone.
module levelone_mac #(
    parameter WIDTH = 8,       // bits of an operand
    parameter SIGNED = 0,      // whether operands are signed
    parameter GROUPS = 1,
    parameter SIMD = 1,        // lanes of a group
    parameter OUTPUTS = 1,     // outputs at once, all groups together
    parameter WEIGHT = 8,      // bits of a weight, signed
    parameter SUM = 16,        // bits of a sum
    parameter TAPS = 9,
    parameter SWEEPS = 1,
    parameter ADDRESS = 4,     // bits of the address of a tap
    parameter SWEEP = 1        // bits of the number of a sweep
) (
    input                              clk,
    input                              rst,
    input                              i_valid,
    output                             i_ready,
    input  [GROUPS*SIMD*WIDTH-1:0]     i_data,
    output                             en,
    output [ADDRESS-1:0]               tap,      // over all sweeps
    output [SWEEP-1:0]                 sweep,
    input  [OUTPUTS*SIMD*WEIGHT-1:0]   weights,  // of output o and lane s: at o * SIMD + s
    input  [OUTPUTS*SUM-1:0]           biases,
    output reg                         o_valid,
    input                              o_ready,
    output [OUTPUTS*SUM-1:0]           o_data
);
    localparam PER_GROUP = OUTPUTS / GROUPS;
    localparam OPERAND = SIGNED ? WIDTH : WIDTH + 1;
    reg [ADDRESS-1:0] t;
    reg [SWEEP-1:0] s;
    localparam BITS = TAPS > 1 ? $clog2(TAPS) : 1;
    localparam LAST = TAPS - 1;
    reg [BITS-1:0] in_sweep;
    wire t_last = in_sweep == LAST[BITS-1:0], s_last = s == SWEEPS - 1;
    // 1: operands here, memories addressed; 2: weights read; 3: both registered; 4: products; 5: their sum
    reg valid1, valid2, valid3, valid4;
    reg first1, first2, first3, first4, last1, last2, last3, last4;
    reg [GROUPS*SIMD*WIDTH-1:0] x1, x2;
    reg [OUTPUTS*SIMD*WEIGHT-1:0] w2;
    reg [OUTPUTS*SUM-1:0] bias2, bias3, bias4;
    assign en = !o_valid || o_ready;
    assign i_ready = en;
    assign tap = t;
    assign sweep = s;
    always @(posedge clk)
        if (rst) begin
            t <= 0; s <= 0; in_sweep <= 0;
            valid1 <= 0; valid2 <= 0; valid3 <= 0; valid4 <= 0; o_valid <= 0;
        end else if (en) begin
            valid1 <= i_valid; valid2 <= valid1; valid3 <= valid2; valid4 <= valid3;
            o_valid <= valid4 && last4;
            if (i_valid) begin
                in_sweep <= t_last ? 0 : in_sweep + 1'b1;
                t <= t_last && s_last ? 0 : t + 1'b1;
                if (t_last) s <= s_last ? 0 : s + 1'b1;
            end
        end
    always @(posedge clk)
        if (en) begin
            x1 <= i_data; x2 <= x1;
            w2 <= weights; bias2 <= biases; bias3 <= bias2; bias4 <= bias3;
            first1 <= in_sweep == 0; first2 <= first1; first3 <= first2; first4 <= first3;
            last1 <= t_last; last2 <= last1; last3 <= last2; last4 <= last3;
        end
    genvar o, i;
    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : output_
            wire [SIMD*WIDTH-1:0] lanes = x2[(o/PER_GROUP)*SIMD*WIDTH+:SIMD*WIDTH];
            wire [SIMD*SUM-1:0] products;
            for (i = 0; i < SIMD; i = i + 1) begin : lane
                wire signed [WEIGHT-1:0] w = w2[(o*SIMD+i)*WEIGHT+:WEIGHT];
                wire signed [OPERAND-1:0] x = SIGNED ? lanes[i*WIDTH+:WIDTH] : {1'b0, lanes[i*WIDTH+:WIDTH]};
                wire signed [OPERAND+WEIGHT-1:0] full = x * w;
                reg signed [OPERAND+WEIGHT-1:0] product;
                always @(posedge clk) if (en) product <= full;
                wire signed [SUM-1:0] fitted = product;
                assign products[i*SUM+:SUM] = fitted;
            end
            reg [SUM-1:0] total, partial, sum;
            integer k;
            always @* begin
                total = 0;
                for (k = 0; k < SIMD; k = k + 1) total = total + products[k*SUM+:SUM];
            end
            always @(posedge clk)
                if (en) begin
                    partial <= total;
                    if (valid4) sum <= (first4 ? bias4[o*SUM+:SUM] : sum) + partial;
                end
            assign o_data[o*SUM+:SUM] = sum;
        end
    endgenerate
endmodule
