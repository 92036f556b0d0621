// OUTPUTS sums of TAPS products each, one tap of every input lane per clock, SWEEPS sets of weights in turn, for
// POSITIONS at once: sum = bias + sum over taps of sum over lanes of its group. Weights and biases come from memories
// that answer a clock after the address, with a register behind them: the way from a memory to a multiplier is long, as is
// that from a multiplier to its adder, on which products have a second register.
// Where one set is all there is, it is wired. A register that its reset lets begin with its bias needs no choice in front
// of its adder; the last sum leaves the adder at once. Nothing inside stands still, so that no wire stops thousands of
// registers at once: operands are taken while there is room for the sum that they belong to. Sums wrap: whatever is on the
// way, the last is right when SUM bits hold it. Part of levelone.
module levelone_mac #(
    parameter WIDTH = 8,       // bits of an operand
    parameter SIGNED = 0,      // whether operands are signed
    parameter POSITIONS = 1,
    parameter GROUPS = 1,
    parameter SIMD = 1,        // lanes of a group
    parameter OUTPUTS = 1,     // outputs of a position at once, all groups together
    parameter WEIGHT = 8,      // bits of a weight, signed
    parameter SUM = 16,        // bits of a sum
    parameter TAPS = 9,
    parameter SWEEPS = 1,
    parameter ADDRESS = 4,     // bits of the address of a tap
    parameter SWEEP = 1,       // bits of the number of a sweep
    parameter ROOM = 2         // beats of sums that are on the way or wait
) (
    input                                       clk,
    input                                       rst,
    input                                       i_valid,
    output                                      i_ready,
    input  [POSITIONS*GROUPS*SIMD*WIDTH-1:0]    i_data,
    output [ADDRESS-1:0]                        tap,      // over all sweeps
    output [SWEEP-1:0]                          sweep,
    input  [OUTPUTS*SIMD*WEIGHT-1:0]            weights,  // of output o and lane s: at o * SIMD + s
    input  [OUTPUTS*SUM-1:0]                    biases,
    output                                      o_valid,
    input                                       o_ready,
    output [POSITIONS*OUTPUTS*SUM-1:0]          o_data
);
    localparam PER_GROUP = OUTPUTS / GROUPS;
    localparam OPERAND = SIGNED ? WIDTH : WIDTH + 1;
    localparam TREE = ($clog2(SIMD) + 1) / 2;  // clocks in which the products of a sum are added
    localparam READS = TAPS * SWEEPS > 1;
    // 0: operands here, memories addressed; then weights read, and in their register; products, twice; the tree, and its sum
    localparam OPERANDS = 2 + READS, ADDED = OPERANDS + 1 + TREE;
    localparam BEAT = POSITIONS * GROUPS * SIMD * WIDTH;
    localparam LAST_WORD = TAPS * SWEEPS - 1;
    reg [ADDRESS-1:0] t, next_t;  // the way from a counter's adder through a memory is long: an address leaves a register
    reg [SWEEP-1:0] s;
    localparam BITS = TAPS > 1 ? $clog2(TAPS) : 1;
    localparam LAST = TAPS - 1;
    reg [BITS-1:0] in_sweep;
    wire t_last = in_sweep == LAST[BITS-1:0], s_last = s == SWEEPS - 1;
    reg [ADDED:0] valid, first, last;
    reg [OPERANDS*BEAT-1:0] operands;
    reg done;  // the last sum of a beat is there
    wire takes = i_valid && i_ready;
    levelone_credits #(.DEPTH(ROOM)) credits (
        .clk(clk), .rst(rst), .take(takes && t_last), .give(o_valid && o_ready), .some(i_ready)
    );
    assign tap = t;
    assign sweep = s;
    always @(posedge clk)
        if (rst) begin
            t <= 0; next_t <= READS; s <= 0; in_sweep <= 0;
            valid <= 0; done <= 0;
        end else begin
            valid <= {valid[ADDED-1:0], takes};
            done <= valid[ADDED-1] && last[ADDED-1];
            if (takes) begin
                in_sweep <= t_last ? 0 : in_sweep + 1'b1;
                t <= next_t;
                next_t <= next_t == LAST_WORD[ADDRESS-1:0] ? 0 : next_t + 1'b1;
                if (t_last) s <= s_last ? 0 : s + 1'b1;
            end
        end
    always @(posedge clk) begin
        operands <= {operands, i_data};
        first <= {first[ADDED-1:0], in_sweep == 0};
        last <= {last[ADDED-1:0], t_last};
    end
    wire [POSITIONS*OUTPUTS*SUM-1:0] sums;
    wire never_full;
    levelone_fifo #(.WIDTH(POSITIONS*OUTPUTS*SUM), .DEPTH(ROOM)) out (
        .clk(clk), .rst(rst), .i_valid(done), .i_ready(never_full), .i_data(sums),
        .o_valid(o_valid), .o_ready(o_ready), .o_data(o_data)
    );
    wire [OUTPUTS*SIMD*WEIGHT-1:0] weight;
    wire [OUTPUTS*SUM-1:0] bias;
    genvar p, o, i;
    generate
        if (TAPS * SWEEPS == 1) begin : wired
            assign weight = weights;
        end else begin : read
            reg [OUTPUTS*SIMD*WEIGHT-1:0] left, held;
            always @(posedge clk) begin
                left <= weights; held <= left;
            end
            assign weight = held;
        end
        if (SWEEPS == 1) begin : one
            assign bias = biases;
        end else begin : several
            reg [ADDED*OUTPUTS*SUM-1:0] held;
            always @(posedge clk) held <= {held, biases};
            assign bias = held[(ADDED-1)*OUTPUTS*SUM+:OUTPUTS*SUM];
        end
        for (p = 0; p < POSITIONS; p = p + 1) begin : position
            for (o = 0; o < OUTPUTS; o = o + 1) begin : output_
                wire [SIMD*WIDTH-1:0] lanes = operands[(OPERANDS-1)*BEAT+(p*GROUPS+o/PER_GROUP)*SIMD*WIDTH+:SIMD*WIDTH];
                wire [SIMD*SUM-1:0] products;
                for (i = 0; i < SIMD; i = i + 1) begin : lane
                    wire signed [WEIGHT-1:0] w = weight[(o*SIMD+i)*WEIGHT+:WEIGHT];
                    wire signed [OPERAND-1:0] x = SIGNED ? lanes[i*WIDTH+:WIDTH] : {1'b0, lanes[i*WIDTH+:WIDTH]};
                    wire signed [OPERAND+WEIGHT-1:0] full = x * w;
                    reg signed [OPERAND+WEIGHT-1:0] made, product;
                    always @(posedge clk) begin
                        made <= full; product <= made;
                    end
                    wire signed [SUM-1:0] fitted = product;
                    assign products[i*SUM+:SUM] = fitted;
                end
                wire [SUM-1:0] total;
                levelone_tree #(.WIDTH(SUM), .COUNT(SIMD)) tree (
                    .clk(clk), .en(1'b1), .i_data(products), .o_data(total)
                );
                wire [SUM-1:0] start = bias[o*SUM+:SUM], next;
                reg [SUM-1:0] sum;
                assign sums[(p*OUTPUTS+o)*SUM+:SUM] = next;
                if (SWEEPS == 1) begin : preset
                    assign next = sum + total;
                    always @(posedge clk)
                        if (rst || done) sum <= start;
                        else if (valid[ADDED]) sum <= next;
                end else begin : chosen
                    assign next = (first[ADDED] ? start : sum) + total;
                    always @(posedge clk) if (valid[ADDED]) sum <= next;
                end
            end
        end
    endgenerate
endmodule
