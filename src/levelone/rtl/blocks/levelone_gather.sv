// Beats of an event in another order, some of them more than once: beat n of the output is beat `from` of the input,
// or the constant FILL where `fill` is high. Both are asked for the number `beat`. Room for two events, so that one can
// come in while the other goes out. Part of levelone.
module levelone_gather #(
    parameter WIDTH = 8,
    parameter INPUTS = 4,    // beats of an event
    parameter OUTPUTS = 4,
    parameter [WIDTH-1:0] FILL = 0,
    parameter ADDRESS = 3,   // bits: 2**ADDRESS beats are kept, at least two events
    parameter COUNT = 6,     // bits of modular numbers of beats
    parameter BEAT = 2       // bits of the number of an output beat
) (
    input                  clk,
    input                  rst,
    input                  i_valid,
    output                 i_ready,
    input      [WIDTH-1:0] i_data,
    output reg             o_valid,
    input                  o_ready,
    output     [WIDTH-1:0] o_data,
    output reg [BEAT-1:0]  beat,
    input      [COUNT-1:0] from,
    input                  fill
);
    localparam [COUNT-1:0] ROOM = 1 << ADDRESS, EVENT = INPUTS;
    localparam LAST = OUTPUTS - 1;
    reg [WIDTH-1:0] memory[0:(1<<ADDRESS)-1];
    reg [WIDTH-1:0] held;
    reg filled;
    reg [COUNT-1:0] written, base;
    wire [COUNT-1:0] present = written - base, at = base + from;
    wire last = beat == LAST[BEAT-1:0];
    // an event is not left before all of it is there, whether it is needed or not
    wire there = (fill || present > from) && (!last || present >= EVENT);
    assign i_ready = present < ROOM;
    wire en = !o_valid || o_ready;
    wire writes = i_valid && i_ready;
    always @(posedge clk) if (writes) memory[written[ADDRESS-1:0]] <= i_data;
    always @(posedge clk)
        if (rst) begin
            written <= 0; base <= 0; beat <= 0; o_valid <= 0;
        end else begin
            if (writes) written <= written + 1'b1;
            if (en) o_valid <= there;
            if (en && there) begin
                beat <= last ? 0 : beat + 1'b1;
                if (last) base <= base + EVENT;
            end
        end
    always @(posedge clk)
        if (en && there) begin
            held <= memory[at[ADDRESS-1:0]];
            filled <= fill;
        end
    assign o_data = filled ? FILL : held;
endmodule
