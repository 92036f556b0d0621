// One stream to COUNT readers, each of which takes a beat when it likes. Part of levelone.
module levelone_fork #(
    parameter COUNT = 2
) (
    input              clk,
    input              rst,
    input              i_valid,
    output             i_ready,
    output [COUNT-1:0] o_valid,
    input  [COUNT-1:0] o_ready
);
    reg [COUNT-1:0] done;  // readers that have taken the present beat
    assign o_valid = {COUNT{i_valid}} & ~done;
    assign i_ready = &(done | o_ready);
    always @(posedge clk)
        if (rst) done <= 0;
        else if (i_valid) done <= i_ready ? {COUNT{1'b0}} : done | o_ready;
endmodule
