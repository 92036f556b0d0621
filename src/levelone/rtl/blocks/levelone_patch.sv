// All taps of a sliding window in one beat, for POSITIONS that are neighbours in a row, from lines and planes that are kept in
// banks: pixels that can lie under one window are in banks of their own, so that all are read in one clock. LANES pixels
// come in with a beat, and are neighbours in a row. A bank keeps PLANES of the planes that fall to it; an event starts in the bank
// behind the last plane of the one before, or so many further that the corner's bank moves in steps of UD. Differences of modular numbers are right as in levelone_window. Part of levelone.
module levelone_patch #(
    parameter WIDTH = 8,          // bits of a pixel
    parameter LANES = 1,
    parameter POSITIONS = 1,
    parameter ID = 1, IH = 1, IW = 1,  // input, output, kernel, stride, dilation, padding in front: depth, height, width
    parameter OD = 1, OH = 1, OW = 1,
    parameter KD = 1, KH = 1, KW = 1,
    parameter SD = 1, SH = 1, SW = 1,
    parameter DD = 1, DH = 1, DW = 1,
    parameter PD = 0, PH = 0, PW = 0,
    parameter BD = 1, BH = 1, BW = 1,  // banks: as many as a window is deep, high and wide; BW also a multiple of LANES
    parameter UD = 1, UH = 1, UW = 1,  // the bank of the window's corner moves in steps of so many
    parameter PLANES = 2,         // a power of two
    parameter COUNT = 8,          // bits of modular numbers of beats and planes
    parameter ROW = 1             // bits of the number of an output row
) (
    input                                         clk,
    input                                         rst,
    input                                         i_valid,
    output                                        i_ready,
    input      [LANES*WIDTH-1:0]                  i_data,
    output                                        o_valid,
    input                                         o_ready,
    output reg [POSITIONS*KD*KH*KW*WIDTH-1:0]     o_data,  // of a position: its taps in row-major order; 0 in the padding
    output reg [POSITIONS*KD*KH*KW-1:0]           o_pad,   // taps that lie in the padding
    output reg [ROW-1:0]                          row,     // present output row, for which the next is asked
    input      [COUNT-1:0]                        need     // beats of the event that have to be there before the row starts
);
    localparam SIZE = 16;  // bits of coordinates
    localparam ROWS = (IH + BH - 1) / BH, COLUMNS = (IW + BW - 1) / BW;  // of a plane, that a bank keeps
    localparam DEPTH = PLANES * ROWS * COLUMNS, ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam WORDS = IW / LANES, PARTS = BW / LANES, BEATS = OW / POSITIONS;
    localparam TAPS = KD * KH * KW, TAKEN = POSITIONS * KW;
    localparam FD = bank(PD, BD) % UD, FH = bank(PH, BH) % UH, FW = bank(PW, BW) % UW;
    localparam NEXT = (ID + UD - 1) / UD * UD;  // planes from event to event
    localparam [COUNT-1:0] EVENT = ID * IH * WORDS, ROOM = PLANES * BD;

    function integer bank(input integer pad, input integer banks);  // in which the corner starts
        bank = (pad + banks - 1) / banks * banks - pad;
    endfunction

    // what comes in: its plane, row and word, and for each the bank and the place in it
    reg [SIZE-1:0] d, h, w, bank_d, bank_h, bank_w, at_d, at_h, at_w;
    reg [COUNT-1:0] written, plane, kept;
    wire [COUNT-1:0] ahead = plane - kept;
    assign i_ready = ahead[COUNT-1] || ahead < ROOM;
    wire writes = i_valid && i_ready;
    wire w_last = w == WORDS - 1, h_last = h == IH - 1, d_last = d == ID - 1;
    wire part_last = bank_w == PARTS - 1, bank_h_last = bank_h == BH - 1;
    wire [SIZE-1:0] planes_on = d_last ? 1 + NEXT - ID : 1, bank_on = bank_d + planes_on;
    wire bank_wraps = bank_on >= BD;
    always @(posedge clk)
        if (rst) begin
            d <= 0; h <= 0; w <= 0; bank_d <= 0; bank_h <= 0; bank_w <= 0; at_d <= 0; at_h <= 0; at_w <= 0;
            written <= 0; plane <= 0;
        end else if (writes) begin
            written <= written + 1'b1;
            w <= w_last ? 0 : w + 1'b1;
            bank_w <= w_last || part_last ? 0 : bank_w + 1'b1;
            at_w <= w_last ? 0 : part_last ? at_w + 1'b1 : at_w;
            if (w_last) begin
                h <= h_last ? 0 : h + 1'b1;
                bank_h <= h_last || bank_h_last ? 0 : bank_h + 1'b1;
                at_h <= h_last ? 0 : bank_h_last ? at_h + 1'b1 : at_h;
                if (h_last) begin
                    d <= d_last ? 0 : d + 1'b1;
                    bank_d <= bank_wraps ? bank_on - BD : bank_on;
                    at_d <= !bank_wraps ? at_d : at_d == PLANES - 1 ? 0 : at_d + 1'b1;
                    plane <= plane + planes_on;
                end
            end
        end
    wire [ADDRESS-1:0] write_at = (at_d * ROWS + at_h) * COLUMNS + at_w;

    // what goes out: corner of the window, the bank that it is in (by its turn) and the place there
    wire en, there;
    reg [COUNT-1:0] base, base_plane;   // beats and planes of earlier events
    reg [SIZE-1:0] ow, oh, od;
    wire signed [SIZE-1:0] corner_d, corner_h, corner_w;
    wire [SIZE-1:0] turn_d, turn_h, turn_w, place_d, place_h, place_w;
    wire ow_last = ow == BEATS - 1, oh_last = oh == OH - 1, od_last = od == OD - 1;
    wire [COUNT-1:0] missing = written - base - need;
    assign there = !missing[COUNT-1];
    wire go = en && there, next_h = go && ow_last, next_d = next_h && oh_last, next_event = next_d && od_last;
    levelone_axis #(.SIZE(SIZE), .BANKS(BW), .UNIT(UW), .STEP(POSITIONS * SW), .PAD(PW)) axis_w (
        .clk(clk), .rst(rst), .step(go), .last(ow_last), .corner(corner_w), .turn(turn_w), .place(place_w)
    );
    levelone_axis #(.SIZE(SIZE), .BANKS(BH), .UNIT(UH), .STEP(SH), .PAD(PH)) axis_h (
        .clk(clk), .rst(rst), .step(next_h), .last(oh_last), .corner(corner_h), .turn(turn_h), .place(place_h)
    );
    levelone_axis #(.SIZE(SIZE), .BANKS(BD), .UNIT(UD), .STEP(SD), .PAD(PD), .NEXT(NEXT)) axis_d (
        .clk(clk), .rst(rst), .step(next_d), .last(od_last), .corner(corner_d), .turn(turn_d), .place(place_d)
    );
    always @(posedge clk)
        if (rst) begin
            ow <= 0; oh <= 0; od <= 0; row <= 0; base <= 0; base_plane <= 0; kept <= 0;
        end else begin
            if (go) ow <= ow_last ? 0 : ow + 1'b1;
            if (next_h) begin
                oh <= oh_last ? 0 : oh + 1'b1;
                row <= oh_last && od_last ? 0 : row + 1'b1;
            end
            if (next_d) od <= od_last ? 0 : od + 1'b1;
            if (next_event) begin
                base <= base + EVENT;
                base_plane <= base_plane + NEXT;
            end
            // planes before the one that is read next are free once its address is out
            if (en) kept <= base_plane + (corner_d < 0 ? 0 : corner_d);
        end

    // addresses: of banks from the corner's on, and of those before it, which are one place further
    reg [ADDRESS-1:0] address[0:7];
    reg [SIZE-1:0] turned_d, turned_h, turned_w, turn2_d, turn2_h, turn2_w;
    wire [POSITIONS*TAPS-1:0] pad;
    reg [POSITIONS*TAPS-1:0] pad1, pad2;
    reg [BD*BH*BW*WIDTH-1:0] found;
    integer a;
    always @(posedge clk)
        if (en) begin
            for (a = 0; a < 8; a = a + 1)
                address[a] <= ((place_d + a[2]) % PLANES * ROWS + place_h + a[1]) * COLUMNS + place_w + a[0];
            turned_d <= turn_d; turned_h <= turn_h; turned_w <= turn_w;
            turn2_d <= turned_d; turn2_h <= turned_h; turn2_w <= turned_w;
            pad1 <= pad; pad2 <= pad1; o_pad <= pad2;
        end
    levelone_stage #(.STAGES(3)) stage (
        .clk(clk), .rst(rst), .i_valid(there), .i_ready(), .en(en), .o_valid(o_valid), .o_ready(o_ready)
    );
    wire [KD*BH*BW*WIDTH-1:0] planes;  // banks in the order of the window's planes, then of its rows
    wire [KD*KH*BW*WIDTH-1:0] rows;
    genvar p, x, y, z;
    generate
        for (z = 0; z < BD; z = z + 1) begin : bank_plane
            for (y = 0; y < BH; y = y + 1) begin : bank_row
                for (x = 0; x < BW; x = x + 1) begin : bank
                    reg [WIDTH-1:0] memory[0:DEPTH-1];
                    wire here = writes && bank_d == z && bank_h == y && bank_w == x / LANES;
                    wire [2:0] past = {z < FD + UD * turned_d, y < FH + UH * turned_h, x < FW + UW * turned_w};
                    always @(posedge clk) begin
                        if (here) memory[write_at] <= i_data[x%LANES*WIDTH+:WIDTH];
                        if (en) found[((z*BH+y)*BW+x)*WIDTH+:WIDTH] <= memory[address[past]];
                    end
                end
            end
        end
        for (z = 0; z < KD; z = z + 1) begin : tap_plane
            for (y = 0; y < KH; y = y + 1) begin : tap_row
                wire [TAKEN*WIDTH-1:0] taken;
                levelone_turn #(
                    .WIDTH(WIDTH), .BANKS(BW), .FIRST(FW), .UNIT(UW), .NUMBER(SIZE),
                    .POSITIONS(POSITIONS), .STEP(SW), .TAPS(KW), .AWAY(DW)
                ) turn_row (
                    .i_data(rows[(z*KH+y)*BW*WIDTH+:BW*WIDTH]), .n(turn2_w), .o_data(taken)
                );
                for (p = 0; p < POSITIONS; p = p + 1) begin : position
                    for (x = 0; x < KW; x = x + 1) begin : tap
                        localparam AT = ((p * KD + z) * KH + y) * KW + x;
                        wire signed [SIZE-1:0] in_d = corner_d + z * DD, in_h = corner_h + y * DH;
                        wire signed [SIZE-1:0] in_w = corner_w + p * SW + x * DW;
                        assign pad[AT] = in_d < 0 || in_d >= ID || in_h < 0 || in_h >= IH || in_w < 0 || in_w >= IW;
                        always @(posedge clk)
                            if (en)
                                o_data[AT*WIDTH+:WIDTH] <= pad2[AT] ? {WIDTH{1'b0}} : taken[(p*KW+x)*WIDTH+:WIDTH];
                    end
                end
            end
            levelone_turn #(
                .WIDTH(BW * WIDTH), .BANKS(BH), .FIRST(FH), .UNIT(UH), .NUMBER(SIZE), .TAPS(KH), .AWAY(DH)
            ) turn_plane (
                .i_data(planes[z*BH*BW*WIDTH+:BH*BW*WIDTH]), .n(turn2_h), .o_data(rows[z*KH*BW*WIDTH+:KH*BW*WIDTH])
            );
        end
    endgenerate
    levelone_turn #(
        .WIDTH(BH * BW * WIDTH), .BANKS(BD), .FIRST(FD), .UNIT(UD), .NUMBER(SIZE), .TAPS(KD), .AWAY(DD)
    ) turn_event (
        .i_data(found), .n(turn2_d), .o_data(planes)
    );
endmodule
