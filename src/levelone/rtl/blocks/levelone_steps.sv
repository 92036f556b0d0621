// first + sum of the rises of all steps that the code has reached, with constants for every lane. Part of levelone.
module levelone_steps #(
    parameter LANES = 1,
    parameter WIDTH = 8,
    parameter SIGNED = 0,
    parameter STEPS = 1,
    parameter RESULT = 8,
    parameter [LANES*RESULT-1:0] FIRST = 0,
    parameter [LANES*STEPS*(WIDTH+2)-1:0] AT = 0,       // signed
    parameter [LANES*STEPS*RESULT-1:0] RISES = 0        // modulo 2**RESULT
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
    levelone_stage stage (
        .clk(clk), .rst(rst), .i_valid(i_valid), .i_ready(i_ready), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            wire [WIDTH-1:0] code = i_data[l*WIDTH+:WIDTH];
            wire signed [WIDTH+1:0] x = {{2{SIGNED ? code[WIDTH-1] : 1'b0}}, code};
            reg [RESULT-1:0] level;
            integer k;
            always @* begin
                level = FIRST[l*RESULT+:RESULT];
                for (k = 0; k < STEPS; k = k + 1)
                    if (x >= $signed(AT[(l*STEPS+k)*(WIDTH+2)+:WIDTH+2])) level = level + RISES[(l*STEPS+k)*RESULT+:RESULT];
            end
            always @(posedge clk) if (en) o_data[l*RESULT+:RESULT] <= level;
        end
    endgenerate
endmodule
