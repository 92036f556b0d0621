// Everything that a sliding window meets, one tap of LANES elements per clock, from a cyclic buffer that keeps what
// is still needed. Every position is swept REPEATS times, its taps in row-major order, CHUNKS parts of a pixel
// for each tap. A pixel holds CHUNKS parts for each of GROUPS groups of channels; part c of every group is sent
// together. Addresses and counts of pixels are modular: a difference of two is right while the buffer is smaller
// than half of their reach. Part of levelone.
module levelone_window #(
    parameter WIDTH = 8,          // bits of an element
    parameter GROUPS = 1,
    parameter CHUNKS = 1,
    parameter SIMD = 1,           // elements of a part
    parameter REPEATS = 1,
    parameter ID = 1, IH = 1, IW = 1,  // input, output, kernel, stride, dilation, padding in front: depth, height, width
    parameter OD = 1, OH = 1, OW = 1,
    parameter KD = 1, KH = 1, KW = 1,
    parameter SD = 1, SH = 1, SW = 1,
    parameter DD = 1, DH = 1, DW = 1,
    parameter PD = 0, PH = 0, PW = 0,
    parameter ADDRESS = 4,        // bits: 2**ADDRESS pixels are kept
    parameter COUNT = 8,          // bits of modular numbers of pixels
    parameter ROW = 1,            // bits of the number of an output row
    parameter [COUNT-1:0] NEED = 1,  // pixels of the event that have to be there before the first row starts
    parameter [COUNT-1:0] KEEP = 0   // pixels of the event that nobody needs in the first row
) (
    input                                 clk,
    input                                 rst,
    input                                 i_valid,
    output                                i_ready,
    input  [GROUPS*CHUNKS*SIMD*WIDTH-1:0] i_data,
    output reg                            o_valid,
    input                                 o_ready,
    output [GROUPS*SIMD*WIDTH-1:0]        o_data,
    output reg                            o_pad,    // the tap lies in the padding; o_data is 0
    output reg                            o_first,  // of a sweep
    output reg                            o_last,
    output reg [ROW-1:0]                  row,      // output row that ends next, for which the next two are asked
    input  [COUNT-1:0]                    need,     // pixels that have to be there for this row less those for the next
    input  [COUNT-1:0]                    keep      // pixels that nobody needs any more in this row less those in the next
);
    localparam PIXEL = GROUPS * CHUNKS * SIMD * WIDTH;
    localparam LANES = GROUPS * SIMD * WIDTH;
    // bits of coordinates and of what else is counted: no more than these reach together, and a sign
    localparam REACH = OD * SD + KD * DD + OH * SH + KH * DH + OW * SW + KW * DW + PD + PH + PW + CHUNKS + REPEATS;
    localparam SIZE = $clog2(REACH + 1) + 1;
    localparam [COUNT-1:0] ROOM = 1 << ADDRESS;
    // steps of the address
    localparam [COUNT-1:0] TAP_W = DW, TAP_H = DH * IW, TAP_D = DD * IH * IW;
    localparam [COUNT-1:0] AT_W = SW, AT_H = SH * IW, AT_D = SD * IH * IW, EVENT = ID * IH * IW;
    localparam [COUNT-1:0] CORNER = -(PD * IH * IW + PH * IW + PW);

    reg [PIXEL-1:0] memory[0:(1<<ADDRESS)-1];
    reg [COUNT-1:0] written, base;
    // pixels that are there and still needed; those that are there beyond what the row waits for: negative while it waits
    reg [COUNT-1:0] ahead, spare;
    assign i_ready = ahead[COUNT-1] || ahead < ROOM;
    wire writes = i_valid && i_ready;
    always @(posedge clk) if (writes) memory[written[ADDRESS-1:0]] <= i_data;
    always @(posedge clk)
        if (rst) written <= 0;
        else if (writes) written <= written + 1'b1;

    wire en = !o_valid || o_ready;
    wire there = !spare[COUNT-1];
    wire go = en && there;

    reg [SIZE-1:0] c, kw, kh, kd, r, ow, oh, od;
    reg signed [SIZE-1:0] w, h, d, w0, h0, d0;                 // coordinates of the tap, and of the window's corner
    reg [COUNT-1:0] at, at_kh, at_kd, at_ow, at_oh, at_od;     // addresses: of the tap, of the start of each loop
    // whether a counter is at its end, kept beside it so that nothing is compared on the way to a sum; what has one value
    // needs none
    reg c_end, kw_end, kh_end, kd_end, r_end, ow_end, oh_end, od_end;
    wire c_last = CHUNKS == 1 || c_end, r_last = REPEATS == 1 || r_end;
    wire kw_last = KW == 1 || kw_end, kh_last = KH == 1 || kh_end, kd_last = KD == 1 || kd_end;
    wire ow_last = OW == 1 || ow_end, oh_last = OH == 1 || oh_end, od_last = OD == 1 || od_end;
    wire c_nearly = c == CHUNKS - 2, r_nearly = r == REPEATS - 2;
    wire kw_nearly = kw == KW - 2, kh_nearly = kh == KH - 2, kd_nearly = kd == KD - 2;
    wire ow_nearly = ow == OW - 2, oh_nearly = oh == OH - 2, od_nearly = od == OD - 2;
    wire tap_last = c_last && kw_last && kh_last && kd_last;
    // the next tap is the last of the row
    wire nearly = CHUNKS > 1 ? c_nearly && kw_last && kh_last && kd_last && r_last && ow_last
                : KW > 1 ? kw_nearly && kh_last && kd_last && r_last && ow_last
                : KH > 1 ? kh_nearly && kd_last && r_last && ow_last
                : KD > 1 ? kd_nearly && r_last && ow_last
                : REPEATS > 1 ? r_nearly && ow_last
                : ow_nearly;
    wire first = c == 0 && kw == 0 && kh == 0 && kd == 0;
    wire pad = w < 0 || w >= IW || h < 0 || h >= IH || d < 0 || d >= ID;
    wire [COUNT-1:0] next_base = base + EVENT;
    wire [COUNT-1:0] next_od = od_last ? next_base + CORNER : at_od + AT_D;
    wire [COUNT-1:0] next_oh = oh_last ? next_od : at_oh + AT_H;
    wire [COUNT-1:0] next_ow = ow_last ? next_oh : at_ow + AT_W;
    wire [COUNT-1:0] start = r_last ? next_ow : at_ow;         // where the next sweep starts
    wire signed [SIZE-1:0] w_start = !r_last ? w0 : ow_last ? -PW : w0 + SW;
    wire signed [SIZE-1:0] h_start = !(r_last && ow_last) ? h0 : oh_last ? -PH : h0 + SH;
    wire signed [SIZE-1:0] d_start = !(r_last && ow_last && oh_last) ? d0 : od_last ? -PD : d0 + SD;
    always @(posedge clk)
        if (rst) begin
            c <= 0; kw <= 0; kh <= 0; kd <= 0; r <= 0; ow <= 0; oh <= 0; od <= 0; base <= 0;
            w <= -PW; h <= -PH; d <= -PD; w0 <= -PW; h0 <= -PH; d0 <= -PD;
            at <= CORNER; at_kh <= CORNER; at_kd <= CORNER; at_ow <= CORNER; at_oh <= CORNER; at_od <= CORNER;
            c_end <= 0; kw_end <= 0; kh_end <= 0; kd_end <= 0; r_end <= 0; ow_end <= 0; oh_end <= 0; od_end <= 0;
        end else if (go) begin
            c <= c_last ? 0 : c + 1'b1;
            c_end <= c_nearly;
            if (c_last) begin
                kw <= kw_last ? 0 : kw + 1'b1;
                kw_end <= kw_nearly;
                w <= kw_last ? w0 : w + DW;
                at <= at + TAP_W;
                if (kw_last) begin
                    kh <= kh_last ? 0 : kh + 1'b1;
                    kh_end <= kh_nearly;
                    h <= kh_last ? h0 : h + DH;
                    at <= at_kh + TAP_H;
                    at_kh <= at_kh + TAP_H;
                    if (kh_last) begin
                        kd <= kd_last ? 0 : kd + 1'b1;
                        kd_end <= kd_nearly;
                        d <= kd_last ? d0 : d + DD;
                        at <= at_kd + TAP_D;
                        at_kh <= at_kd + TAP_D;
                        at_kd <= at_kd + TAP_D;
                    end
                end
            end
            if (tap_last) begin
                at <= start; at_kh <= start; at_kd <= start;
                w <= w_start; h <= h_start; d <= d_start;
                r <= r_last ? 0 : r + 1'b1;
                r_end <= r_nearly;
                if (r_last) begin
                    at_ow <= next_ow;
                    w0 <= w_start; h0 <= h_start; d0 <= d_start;
                    ow <= ow_last ? 0 : ow + 1'b1;
                    ow_end <= ow_nearly;
                    if (ow_last) begin
                        at_oh <= next_oh;
                        oh <= oh_last ? 0 : oh + 1'b1;
                        oh_end <= oh_nearly;
                        if (oh_last) begin
                            at_od <= next_od;
                            od <= od_last ? 0 : od + 1'b1;
                            od_end <= od_nearly;
                            if (od_last) base <= next_base;
                        end
                    end
                end
            end
        end

    // what the present tap changes, looked up while the one before it is sent; a row of one tap has none before it
    localparam SINGLE = CHUNKS * KW * KH * KD * REPEATS * OW == 1;
    reg [COUNT-1:0] next_keep, next_need;
    wire ends = SINGLE || nearly;
    always @(posedge clk)
        if (rst) begin
            next_keep <= 0; next_need <= 0;
        end else if (go) begin
            next_keep <= nearly ? keep : 0;
            next_need <= nearly ? need : 0;
        end
    wire [COUNT-1:0] less_kept = SINGLE ? keep : next_keep, less_needed = SINGLE ? need : next_need;
    wire [COUNT:0] more_ahead = {ahead, 1'b1} + {go ? less_kept : {COUNT{1'b0}}, writes};
    wire [COUNT:0] more_spare = {spare, 1'b1} + {go ? less_needed : {COUNT{1'b0}}, writes};
    localparam ROWS = OD * OH;
    localparam [ROW-1:0] LAST_ROW = ROWS - 1;
    always @(posedge clk)
        if (rst) begin
            row <= 0;
            ahead <= -KEEP;
            spare <= -NEED;
        end else begin
            // the pixel that comes in is the carry of these sums
            ahead <= more_ahead[COUNT:1];
            spare <= more_spare[COUNT:1];
            if (go && ends) row <= row == LAST_ROW ? 0 : row + 1'b1;
        end

    reg [PIXEL-1:0] pixel;
    reg [SIZE-1:0] chunk;
    always @(posedge clk)
        if (go) begin
            pixel <= memory[at[ADDRESS-1:0]];
            chunk <= c;
            o_pad <= pad;
            o_first <= first;
            o_last <= tap_last;
        end
    always @(posedge clk)
        if (rst) o_valid <= 0;
        else if (en) o_valid <= there;
    genvar g;
    generate
        for (g = 0; g < GROUPS; g = g + 1) begin : group
            wire [CHUNKS*SIMD*WIDTH-1:0] channels = pixel[g*CHUNKS*SIMD*WIDTH+:CHUNKS*SIMD*WIDTH];
            assign o_data[g*SIMD*WIDTH+:SIMD*WIDTH] =
                o_pad ? {SIMD * WIDTH{1'b0}} : channels[chunk*SIMD*WIDTH+:SIMD*WIDTH];
        end
    endgenerate
endmodule
