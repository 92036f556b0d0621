// Marks the first and the last of every COUNT beats. Part of levelone.
module levelone_count #(
    parameter COUNT = 2
) (
    input  clk,
    input  rst,
    input  beat,
    output first,
    output last
);
    localparam BITS = COUNT > 1 ? $clog2(COUNT) : 1;
    localparam LAST = COUNT - 1;
    reg [BITS-1:0] seen;
    assign first = seen == 0;
    assign last  = seen == LAST[BITS-1:0];
    always @(posedge clk)
        if (rst) seen <= 0;
        else if (beat) seen <= last ? 0 : seen + 1'b1;
endmodule
