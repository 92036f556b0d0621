// The largest, or the sum, of the taps of each position, channel by channel, all of them in one beat; padding takes no
// part. Part of levelone.
module levelone_pool #(
    parameter WIDTH = 8,
    parameter SIGNED = 0,
    parameter POSITIONS = 1,
    parameter TAPS = 4,
    parameter CHANNELS = 1,
    parameter RESULT = 8,   // bits of a result; sums wrap
    parameter LARGEST = 1   // 0: the sum
) (
    input                                      clk,
    input                                      rst,
    input                                      i_valid,
    output                                     i_ready,
    input  [POSITIONS*TAPS*CHANNELS*WIDTH-1:0] i_data,  // of a position: tap by tap, channels last
    input  [POSITIONS*TAPS-1:0]                i_pad,
    output                                     o_valid,
    input                                      o_ready,
    output [POSITIONS*CHANNELS*RESULT-1:0]     o_data
);
    localparam HELD = (RESULT > WIDTH ? RESULT : WIDTH) + 1;
    localparam [HELD-1:0] LEAST = 1'b1 << (HELD - 1);
    localparam TREE = ($clog2(TAPS) + 1) / 2;
    wire en;
    levelone_stage #(.STAGES(1 + TREE)) stage (
        .clk(clk), .rst(rst), .i_valid(i_valid), .i_ready(i_ready), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    genvar p, c, k;
    generate
        for (p = 0; p < POSITIONS; p = p + 1) begin : position
            for (c = 0; c < CHANNELS; c = c + 1) begin : channel
                reg [TAPS*HELD-1:0] taken;
                wire [HELD-1:0] result;
                for (k = 0; k < TAPS; k = k + 1) begin : tap
                    wire [WIDTH-1:0] code = i_data[((p*TAPS+k)*CHANNELS+c)*WIDTH+:WIDTH];
                    wire [HELD-1:0] x = {{HELD - WIDTH{SIGNED ? code[WIDTH-1] : 1'b0}}, code};
                    always @(posedge clk)
                        if (en) taken[k*HELD+:HELD] <= !i_pad[p*TAPS+k] ? x : LARGEST ? LEAST : 0;
                end
                levelone_tree #(.WIDTH(HELD), .COUNT(TAPS), .LARGEST(LARGEST)) tree (
                    .clk(clk), .en(en), .i_data(taken), .o_data(result)
                );
                assign o_data[(p*CHANNELS+c)*RESULT+:RESULT] = result[RESULT-1:0];
            end
        end
    endgenerate
endmodule
