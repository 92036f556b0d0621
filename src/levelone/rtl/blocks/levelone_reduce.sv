// The largest, or the sum, of the operands of a sweep, lane by lane; padding takes no part. Part of levelone.
module levelone_reduce #(
    parameter WIDTH = 8,
    parameter SIGNED = 0,
    parameter LANES = 1,
    parameter RESULT = 8,   // bits of a result
    parameter LARGEST = 1   // 0: the sum
) (
    input                     clk,
    input                     rst,
    input                     i_valid,
    output                    i_ready,
    input  [LANES*WIDTH-1:0]  i_data,
    input                     i_pad,
    input                     i_first,
    input                     i_last,
    output reg                o_valid,
    input                     o_ready,
    output [LANES*RESULT-1:0] o_data
);
    localparam HELD = (RESULT > WIDTH ? RESULT : WIDTH) + 1;
    wire en = !o_valid || o_ready;
    assign i_ready = en;
    reg none;  // nothing but padding so far
    wire fresh = i_first || none;
    always @(posedge clk)
        if (rst) begin
            o_valid <= 0;
            none <= 1;
        end else if (en) begin
            o_valid <= i_valid && i_last;
            if (i_valid) none <= i_last || (fresh && i_pad);
        end
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : lane
            wire [WIDTH-1:0] code = i_data[l*WIDTH+:WIDTH];
            wire signed [HELD-1:0] x = {{HELD - WIDTH{SIGNED ? code[WIDTH-1] : 1'b0}}, code};
            reg signed [HELD-1:0] held;
            always @(posedge clk)
                if (en && i_valid) begin
                    if (i_pad) held <= fresh ? 0 : held;
                    else if (LARGEST) held <= fresh || x > held ? x : held;
                    else held <= fresh ? x : held + x;
                end
            assign o_data[l*RESULT+:RESULT] = held[RESULT-1:0];
        end
    endgenerate
endmodule
