// One axis of levelone_patch: where the corner of the window is, in which bank (FIRST + UNIT * turn, where FIRST is what
// PAD leaves) and in which place there. Part of levelone.
module levelone_axis #(
    parameter SIZE = 16,
    parameter BANKS = 1,
    parameter UNIT = 1,     // divides BANKS and the step's rest
    parameter STEP = 1,
    parameter PAD = 0       // in front
) (
    input                        clk,
    input                        rst,
    input                        step,
    input                        last,    // the step returns to the start
    output reg signed [SIZE-1:0] corner,
    output reg [SIZE-1:0]        turn,
    output reg [SIZE-1:0]        place    // corner divided by BANKS, rounded down; modular
);
    localparam BEFORE = (PAD + BANKS - 1) / BANKS;
    localparam [SIZE-1:0] PLACE = -BEFORE;
    localparam [SIZE-1:0] TURN = (BEFORE * BANKS - PAD) / UNIT;
    localparam [SIZE-1:0] MORE = STEP % BANKS / UNIT;
    localparam [SIZE-1:0] TURNS = BANKS / UNIT;
    wire wraps = turn + MORE >= TURNS;
    always @(posedge clk)
        if (rst) begin
            corner <= -PAD;
            place <= PLACE;
            turn <= TURN;
        end else if (step) begin
            corner <= last ? -PAD : corner + STEP;
            place <= last ? PLACE : place + STEP / BANKS + wraps;
            turn <= last ? TURN : wraps ? turn + MORE - TURNS : turn + MORE;
        end
endmodule
