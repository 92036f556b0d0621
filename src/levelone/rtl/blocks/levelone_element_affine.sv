// code * factor + term, with constants from a memory outside that answers a clock after the number of the beat. Part of
// levelone.
module levelone_element_affine #(
    parameter LANES = 1,
    parameter WIDTH = 8,
    parameter SIGNED = 0,
    parameter FACTOR = 8,                               // bits of a factor, signed
    parameter RESULT = 16,                              // sums wrap: bits that hold the whole one
    parameter BEATS = 1,
    parameter ADDRESS = 1
) (
    input                         clk,
    input                         rst,
    input                         i_valid,
    output                        i_ready,
    input  [LANES*WIDTH-1:0]      i_data,
    output                        en,
    output reg [ADDRESS-1:0]      address,
    input  [LANES*FACTOR-1:0]     factors,
    input  [LANES*RESULT-1:0]     terms,
    output                        o_valid,
    input                         o_ready,
    output reg [LANES*RESULT-1:0] o_data
);
    localparam [ADDRESS-1:0] LAST = BEATS - 1;
    levelone_stage #(.STAGES(2)) stage (
        .clk(clk), .rst(rst), .i_valid(i_valid), .i_ready(i_ready), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    reg [LANES*WIDTH-1:0] held;
    always @(posedge clk) begin
        if (rst) address <= 0;
        else if (en && i_valid) address <= address == LAST ? 0 : address + 1'b1;
        if (en) held <= i_data;
    end
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            wire [WIDTH-1:0] code = held[l*WIDTH+:WIDTH];
            wire signed [WIDTH:0] x = {SIGNED ? code[WIDTH-1] : 1'b0, code};
            wire signed [FACTOR-1:0] factor = factors[l*FACTOR+:FACTOR];
            wire signed [WIDTH+FACTOR:0] product = x * factor;
            wire signed [RESULT-1:0] wide = product;
            always @(posedge clk) if (en) o_data[l*RESULT+:RESULT] <= wide + terms[l*RESULT+:RESULT];
        end
    endgenerate
endmodule
