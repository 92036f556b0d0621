// The handshake of a pipeline of STAGES registers that all move while `en` is high. Part of levelone.
module levelone_stage #(
    parameter STAGES = 1
) (
    input  clk,
    input  rst,
    input  i_valid,
    output i_ready,
    output en,
    output o_valid,
    input  o_ready
);
    reg [STAGES-1:0] valid;
    wire [STAGES:0] next = {valid, i_valid};
    assign o_valid = valid[STAGES-1];
    assign en = !o_valid || o_ready;
    assign i_ready = en;
    always @(posedge clk)
        if (rst) valid <= 0;
        else if (en) valid <= next[STAGES-1:0];
endmodule
