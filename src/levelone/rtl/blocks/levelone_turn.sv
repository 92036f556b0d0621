// Banks in the order of a window's taps: tap k of position p is in bank FIRST + UNIT * n + p * STEP + k * AWAY, modulo BANKS.
// Part of levelone.
module levelone_turn #(
    parameter WIDTH = 8,    // bits of a bank
    parameter BANKS = 1,
    parameter FIRST = 0,
    parameter UNIT = 1,     // divides BANKS
    parameter NUMBER = 16,  // bits of n
    parameter POSITIONS = 1, STEP = 1,
    parameter TAPS = 1, AWAY = 1
) (
    input  [BANKS*WIDTH-1:0]          i_data,
    input  [NUMBER-1:0]               n,
    output [POSITIONS*TAPS*WIDTH-1:0] o_data
);
    localparam WAYS = BANKS / UNIT;
    genvar p, k, m;
    generate
        for (p = 0; p < POSITIONS; p = p + 1) begin : position
            for (k = 0; k < TAPS; k = k + 1) begin : tap
                wire [WAYS*WIDTH-1:0] from;
                for (m = 0; m < WAYS; m = m + 1) begin : way
                    assign from[m*WIDTH+:WIDTH] = i_data[(FIRST+UNIT*m+p*STEP+k*AWAY)%BANKS*WIDTH+:WIDTH];
                end
                if (WAYS == 1) begin : steady
                    assign o_data[(p*TAPS+k)*WIDTH+:WIDTH] = from;
                end else begin : turning
                    assign o_data[(p*TAPS+k)*WIDTH+:WIDTH] = from[n*WIDTH+:WIDTH];
                end
            end
        end
    endgenerate
endmodule
