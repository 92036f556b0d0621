// FIRST beats of a, then SECOND beats of b, again and again. Part of levelone.
module levelone_concatenate #(
    parameter WIDTH = 8,
    parameter FIRST = 1,
    parameter SECOND = 1
) (
    input              clk,
    input              rst,
    input              a_valid,
    output             a_ready,
    input  [WIDTH-1:0] a_data,
    input              b_valid,
    output             b_ready,
    input  [WIDTH-1:0] b_data,
    output             o_valid,
    input              o_ready,
    output [WIDTH-1:0] o_data
);
    localparam BITS = $clog2(FIRST + SECOND);
    localparam LAST = FIRST + SECOND - 1, LAST_A = FIRST - 1;
    reg [BITS-1:0] sent;
    reg from_a;
    assign o_valid = from_a ? a_valid : b_valid;
    assign o_data  = from_a ? a_data : b_data;
    assign a_ready = from_a && o_ready;
    assign b_ready = !from_a && o_ready;
    always @(posedge clk)
        if (rst) begin
            sent <= 0;
            from_a <= 1;
        end else if (o_valid && o_ready) begin
            sent <= sent == LAST[BITS-1:0] ? 0 : sent + 1'b1;
            from_a <= from_a ? sent != LAST_A[BITS-1:0] : sent == LAST[BITS-1:0];
        end
endmodule
