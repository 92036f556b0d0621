// One axis of levelone_patch: where the corner of the window is, in which bank (FIRST + UNIT * turn, where FIRST is what
// PAD leaves) and in which place there. Every event starts NEXT behind the one before. Part of levelone.
module levelone_axis #(
    parameter SIZE = 16,
    parameter BANKS = 1,
    parameter UNIT = 1,     // divides BANKS, NEXT and the step's rest
    parameter STEP = 1,
    parameter PAD = 0,      // in front
    parameter NEXT = 0
) (
    input                        clk,
    input                        rst,
    input                        step,
    input                        last,    // the step returns to the start, that of the next event
    output reg signed [SIZE-1:0] corner,
    output reg [SIZE-1:0]        turn,
    output reg [SIZE-1:0]        place    // corner divided by BANKS, rounded down; modular
);
    localparam BEFORE = (PAD + BANKS - 1) / BANKS;
    localparam [SIZE-1:0] PLACE = -BEFORE;
    localparam [SIZE-1:0] TURN = (BEFORE * BANKS - PAD) / UNIT;
    localparam [SIZE-1:0] MORE = STEP % BANKS / UNIT;
    localparam [SIZE-1:0] LATER = NEXT % BANKS / UNIT;
    localparam [SIZE-1:0] TURNS = BANKS / UNIT;
    reg [SIZE-1:0] start_turn, start_place;
    wire wraps = turn + MORE >= TURNS, start_wraps = start_turn + LATER >= TURNS;
    wire [SIZE-1:0] next_turn = start_wraps ? start_turn + LATER - TURNS : start_turn + LATER;
    wire [SIZE-1:0] next_place = start_place + NEXT / BANKS + start_wraps;
    always @(posedge clk)
        if (rst) begin
            corner <= -PAD;
            place <= PLACE; start_place <= PLACE;
            turn <= TURN; start_turn <= TURN;
        end else if (step) begin
            corner <= last ? -PAD : corner + STEP;
            place <= last ? next_place : place + STEP / BANKS + wraps;
            turn <= last ? next_turn : wraps ? turn + MORE - TURNS : turn + MORE;
            if (last) begin
                start_place <= next_place; start_turn <= next_turn;
            end
        end
endmodule
