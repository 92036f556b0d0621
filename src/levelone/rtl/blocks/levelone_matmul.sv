// Products of matrices: INNER beats of the second operand are held, then ROWS beats of the first meet them. Part of
// levelone.
module levelone_matmul #(
    parameter ROWS = 1,
    parameter INNER = 1,
    parameter COLUMNS = 1,
    parameter A = 8, A_SIGNED = 0,
    parameter B = 8, B_SIGNED = 0,
    parameter RESULT = 16                               // sums wrap: bits that hold the whole one
) (
    input                       clk,
    input                       rst,
    input                       a_valid,
    output                      a_ready,
    input  [INNER*A-1:0]        a_data,
    input                       b_valid,
    output                      b_ready,
    input  [COLUMNS*B-1:0]      b_data,
    output                      o_valid,
    input                       o_ready,
    output [COLUMNS*RESULT-1:0] o_data
);
    localparam DEPTH = INNER > 1 ? $clog2(INNER) : 1;
    localparam COUNT = ROWS > 1 ? $clog2(ROWS) : 1;
    localparam TAKE = 2'd0, WAIT = 2'd1, SUM = 2'd2, GIVE = 2'd3;
    localparam [DEPTH-1:0] LAST_TERM = INNER - 1;
    localparam [COUNT-1:0] LAST_ROW = ROWS - 1;
    reg [1:0] state;
    reg [DEPTH-1:0] at;
    reg [COUNT-1:0] row;
    reg [INNER*A-1:0] held;
    reg [COLUMNS*B-1:0] matrix [0:INNER-1];
    assign b_ready = state == TAKE;
    assign a_ready = state == WAIT;
    assign o_valid = state == GIVE;
    wire last = at == LAST_TERM;
    always @(posedge clk)
        if (rst) begin
            state <= TAKE;
            at <= 0;
            row <= 0;
        end else case (state)
            TAKE: if (b_valid) begin
                matrix[at] <= b_data;
                at <= last ? 0 : at + 1'b1;
                if (last) state <= WAIT;
            end
            WAIT: if (a_valid) begin
                held <= a_data;
                state <= SUM;
            end
            SUM: begin
                held <= held >> A;
                at <= last ? 0 : at + 1'b1;
                if (last) state <= GIVE;
            end
            GIVE: if (o_ready) begin
                row <= row == LAST_ROW ? 0 : row + 1'b1;
                state <= row == LAST_ROW ? TAKE : WAIT;
            end
        endcase
    wire [COLUMNS*B-1:0] terms = matrix[at];
    wire signed [A:0] a = {A_SIGNED ? held[A-1] : 1'b0, held[A-1:0]};
    genvar c;
    generate
        for (c = 0; c < COLUMNS; c = c + 1) begin : column
            wire [B-1:0] code = terms[c*B+:B];
            wire signed [B:0] b = {B_SIGNED ? code[B-1] : 1'b0, code};
            wire signed [A+B+1:0] product = a * b;
            wire signed [RESULT-1:0] term = product;
            reg signed [RESULT-1:0] sum;
            always @(posedge clk)
                if (state == SUM) sum <= at == 0 ? term : sum + term;
            assign o_data[c*RESULT+:RESULT] = sum;
        end
    endgenerate
endmodule
