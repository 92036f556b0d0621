// A whole power, lane by lane: each clock multiplies with one more factor. Part of levelone.
module levelone_power #(
    parameter LANES = 1,
    parameter WIDTH = 8,
    parameter SIGNED = 0,
    parameter EXPONENT = 2,
    parameter RESULT = 16
) (
    input                     clk,
    input                     rst,
    input                     i_valid,
    output                    i_ready,
    input  [LANES*WIDTH-1:0]  i_data,
    output                    o_valid,
    input                     o_ready,
    output [LANES*RESULT-1:0] o_data
);
    localparam HELD = (RESULT > WIDTH ? RESULT : WIDTH) + 1;  // factors have a sign, where the result may have none
    wire en;
    levelone_stage #(.STAGES(EXPONENT - 1)) stage (
        .clk(clk), .rst(rst), .i_valid(i_valid), .i_ready(i_ready), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    genvar l, k;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            wire [WIDTH-1:0] code = i_data[l*WIDTH+:WIDTH];
            for (k = 1; k < EXPONENT; k = k + 1) begin : factor
                wire signed [WIDTH:0] x;
                wire signed [HELD-1:0] reached;
                if (k == 1) begin : first
                    assign x = {SIGNED ? code[WIDTH-1] : 1'b0, code};
                    assign reached = x;
                end else begin : later
                    assign x = factor[k-1].again;
                    assign reached = factor[k-1].product;
                end
                reg signed [WIDTH:0] again;
                reg signed [HELD-1:0] product;
                always @(posedge clk)
                    if (en) begin
                        again <= x;
                        product <= reached * x;
                    end
            end
            assign o_data[l*RESULT+:RESULT] = factor[EXPONENT-1].product[RESULT-1:0];
        end
    endgenerate
endmodule
