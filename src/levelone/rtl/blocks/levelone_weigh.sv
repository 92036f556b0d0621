// Positions times their factors, which are given for the beat that they are in; products wrap. Part of levelone.
module levelone_weigh #(
    parameter POSITIONS = 1,
    parameter LANES = 1,   // of a position
    parameter WIDTH = 8,   // of codes and products
    parameter FACTOR = 4,  // bits of a factor, positive
    parameter BEATS = 4,
    parameter BEAT = 2     // bits of the number of a beat
) (
    input                                  clk,
    input                                  rst,
    input                                  i_valid,
    output                                 i_ready,
    input      [POSITIONS*LANES*WIDTH-1:0] i_data,
    output                                 o_valid,
    input                                  o_ready,
    output reg [POSITIONS*LANES*WIDTH-1:0] o_data,
    output reg [BEAT-1:0]                  beat,
    input      [POSITIONS*FACTOR-1:0]      factor
);
    localparam LAST = BEATS - 1;
    wire en;
    levelone_stage #(.STAGES(1)) stage (
        .clk(clk), .rst(rst), .i_valid(i_valid), .i_ready(i_ready), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    always @(posedge clk)
        if (rst) beat <= 0;
        else if (en && i_valid) beat <= beat == LAST[BEAT-1:0] ? 0 : beat + 1'b1;
    genvar l;
    generate
        for (l = 0; l < POSITIONS * LANES; l = l + 1) begin : lane
            wire [WIDTH-1:0] code = i_data[l*WIDTH+:WIDTH];
            wire [WIDTH+FACTOR-1:0] product = code * factor[l/LANES*FACTOR+:FACTOR];
            always @(posedge clk) if (en) o_data[l*WIDTH+:WIDTH] <= product[WIDTH-1:0];
        end
    endgenerate
endmodule
