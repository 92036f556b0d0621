// clip(round((code * factor + term) / 2**shift)), with constants for every lane. Which sums the limits change is
// constant, too: a sum is compared while it is rounded. Part of levelone.
module levelone_scale #(
    parameter LANES = 1,
    parameter WIDTH = 8,
    parameter SIGNED = 0,
    parameter FACTOR = 8,                              // bits of a factor, signed
    parameter PRODUCT = 16,                            // bits that hold every product and its sum with the term, signed
    parameter RESULT = 8,
    parameter [LANES*FACTOR-1:0] FACTORS = 0,
    parameter [LANES*PRODUCT-1:0] TERMS = 0,
    parameter [LANES*8-1:0] SHIFTS = 0,
    parameter ROUNDING = 0,                            // 0 floor, 1 ceil, 2 down, 3 up, 4 half to even, 5 half up, 6 half down
    parameter [LANES*PRODUCT-1:0] LEAST = 0,           // sums that the limits leave as they are, signed
    parameter [LANES*PRODUCT-1:0] MOST = 0,
    parameter [RESULT-1:0] LOWEST = 0,                 // results of others
    parameter [RESULT-1:0] HIGHEST = 0
) (
    input                         clk,
    input                         rst,
    input                         i_valid,
    output                        i_ready,
    input  [LANES*WIDTH-1:0]      i_data,
    output                        o_valid,
    input                         o_ready,
    output reg [LANES*RESULT-1:0] o_data
);
    wire en;
    levelone_stage #(.STAGES(2)) stage (
        .clk(clk), .rst(rst), .i_valid(i_valid), .i_ready(i_ready), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            localparam SHIFT = SHIFTS[l*8+:8];
            wire [WIDTH-1:0] code = i_data[l*WIDTH+:WIDTH];
            wire signed [WIDTH:0] x = {SIGNED ? code[WIDTH-1] : 1'b0, code};
            wire signed [FACTOR-1:0] factor = FACTORS[l*FACTOR+:FACTOR];
            wire signed [PRODUCT-1:0] term = TERMS[l*PRODUCT+:PRODUCT];
            wire signed [PRODUCT-1:0] product = x * factor;
            reg signed [PRODUCT-1:0] total;
            always @(posedge clk) if (en) total <= product + term;
            wire signed [PRODUCT-1:0] least = LEAST[l*PRODUCT+:PRODUCT], most = MOST[l*PRODUCT+:PRODUCT];
            wire signed [PRODUCT-1:0] floor_ = total >>> SHIFT;
            wire signed [RESULT-1:0] whole = floor_;
            wire up;
            if (SHIFT == 0 || ROUNDING == 0) begin : exact
                assign up = 1'b0;
            end else begin : broken
                wire [SHIFT:0] rest = {total[SHIFT-1:0], 1'b0};  // never without a bit behind the half
                wire half = rest[SHIFT], more = |rest[SHIFT-1:0], negative = total[PRODUCT-1];
                assign up = ROUNDING == 1 ? half || more
                          : ROUNDING == 2 ? (half || more) && negative
                          : ROUNDING == 3 ? (half || more) && !negative
                          : ROUNDING == 4 ? half && (more || floor_[0])
                          : ROUNDING == 5 ? half && (more || !negative)
                          : half && (more || negative);
            end
            wire [RESULT-1:0] rounded = whole + $signed({1'b0, up});
            always @(posedge clk)
                if (en) o_data[l*RESULT+:RESULT] <= total > most ? HIGHEST : total < least ? LOWEST : rounded;
        end
    endgenerate
endmodule
