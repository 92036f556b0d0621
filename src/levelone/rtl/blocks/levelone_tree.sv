// The sum of COUNT numbers, which wraps, or the largest: every clock, up to four become one. Part of levelone.
module levelone_tree #(
    parameter WIDTH = 8,
    parameter COUNT = 4,
    parameter LARGEST = 0   // 1: the largest, of signed numbers
) (
    input                    clk,
    input                    en,
    input  [COUNT*WIDTH-1:0] i_data,
    output [WIDTH-1:0]       o_data
);
    localparam STAGES = ($clog2(COUNT) + 1) / 2;
    genvar k, j;
    generate
        for (k = 0; k <= STAGES; k = k + 1) begin : level
            localparam NODES = (COUNT + (1 << 2 * k) - 1) >> 2 * k;
            wire [NODES*WIDTH-1:0] nodes;
            if (k == 0) begin : leaves
                assign nodes = i_data;
            end else begin : branches
                localparam BELOW = (COUNT + (1 << 2 * (k - 1)) - 1) >> 2 * (k - 1);
                for (j = 0; j < NODES; j = j + 1) begin : node
                    localparam FAN = BELOW - 4 * j < 4 ? BELOW - 4 * j : 4;
                    wire [FAN*WIDTH-1:0] from = level[k-1].nodes[4*j*WIDTH+:FAN*WIDTH];
                    reg [WIDTH-1:0] result, next, held;
                    integer i;
                    always @* begin
                        result = from[WIDTH-1:0];
                        for (i = 1; i < FAN; i = i + 1) begin
                            next = from[i*WIDTH+:WIDTH];
                            if (LARGEST) result = $signed(next) > $signed(result) ? next : result;
                            else result = result + next;
                        end
                    end
                    always @(posedge clk) if (en) held <= result;
                    assign nodes[j*WIDTH+:WIDTH] = held;
                end
            end
        end
    endgenerate
    assign o_data = level[STAGES].nodes;
endmodule
