// COUNT beats of one part, each WIDTH bits, to one beat of COUNT parts, the first lowest. Part of levelone.
module levelone_pack #(
    parameter WIDTH = 8,
    parameter COUNT = 2
) (
    input                        clk,
    input                        rst,
    input                        i_valid,
    output                       i_ready,
    input      [WIDTH-1:0]       i_data,
    output reg                   o_valid,
    input                        o_ready,
    output reg [COUNT*WIDTH-1:0] o_data
);
    localparam BITS = $clog2(COUNT + 1);
    localparam LAST = COUNT - 1;
    reg [BITS-1:0] held;
    wire last = held == LAST[BITS-1:0];
    assign i_ready = !o_valid || o_ready;
    always @(posedge clk)
        if (rst) begin
            held <= 0;
            o_valid <= 0;
        end else begin
            if (o_ready) o_valid <= 0;
            if (i_valid && i_ready) begin
                held <= last ? 0 : held + 1'b1;
                o_valid <= last;
            end
        end
    always @(posedge clk) if (i_valid && i_ready) o_data <= {i_data, o_data[COUNT*WIDTH-1:WIDTH]};
endmodule
