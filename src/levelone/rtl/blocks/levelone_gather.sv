// Parts of an event in another order, some of them more than once: part p of output beat n is part `which` of input beat
// `from`, or the constant FILL where `fill` is high. All are asked for the number `beat`. Where the parts of a beat come
// from several beats, each has a copy of the buffer. Room for two events, so that one can come in while the other goes
// out. Part of levelone.
module levelone_gather #(
    parameter WIDTH = 8,     // bits of a part
    parameter TAKEN = 1,     // parts of an input beat
    parameter GIVEN = 1,     // parts of an output beat
    parameter COPIES = 1,    // of the buffer: 1, or GIVEN
    parameter INPUTS = 4,    // beats of an event
    parameter OUTPUTS = 4,
    parameter [WIDTH-1:0] FILL = 0,
    parameter ADDRESS = 3,   // bits: 2**ADDRESS beats are kept, at least two events
    parameter COUNT = 6,     // bits of modular numbers of beats
    parameter BEAT = 2,      // bits of the number of an output beat
    parameter PART = 1       // bits of the number of a part
) (
    input                        clk,
    input                        rst,
    input                        i_valid,
    output                       i_ready,
    input      [TAKEN*WIDTH-1:0] i_data,
    output reg                   o_valid,
    input                        o_ready,
    output     [GIVEN*WIDTH-1:0] o_data,
    output reg [BEAT-1:0]        beat,
    input      [COUNT-1:0]       need,   // beats of the event that have to be there; all of them for the last
    input      [COPIES*COUNT-1:0] from,
    input      [GIVEN*PART-1:0]  which,
    input      [GIVEN-1:0]       fill
);
    localparam [COUNT-1:0] ROOM = 1 << ADDRESS, EVENT = INPUTS;
    localparam LAST = OUTPUTS - 1;
    reg [GIVEN*PART-1:0] part;
    reg [GIVEN-1:0] filled;
    reg [COUNT-1:0] written, base;
    wire [COUNT-1:0] present = written - base;
    wire last = beat == LAST[BEAT-1:0];
    wire there = present >= need;
    assign i_ready = present < ROOM;
    wire en = !o_valid || o_ready;
    wire writes = i_valid && i_ready, reads = en && there;
    always @(posedge clk)
        if (rst) begin
            written <= 0; base <= 0; beat <= 0; o_valid <= 0;
        end else begin
            if (writes) written <= written + 1'b1;
            if (en) o_valid <= there;
            if (reads) begin
                beat <= last ? 0 : beat + 1'b1;
                if (last) base <= base + EVENT;
            end
        end
    always @(posedge clk)
        if (reads) begin
            part <= which;
            filled <= fill;
        end
    wire [COPIES*TAKEN*WIDTH-1:0] found;
    genvar c, p;
    generate
        for (c = 0; c < COPIES; c = c + 1) begin : copy
            reg [TAKEN*WIDTH-1:0] memory[0:(1<<ADDRESS)-1];
            reg [TAKEN*WIDTH-1:0] held;
            wire [COUNT-1:0] at = base + from[c*COUNT+:COUNT];
            always @(posedge clk) if (writes) memory[written[ADDRESS-1:0]] <= i_data;
            always @(posedge clk) if (reads) held <= memory[at[ADDRESS-1:0]];
            assign found[c*TAKEN*WIDTH+:TAKEN*WIDTH] = held;
        end
        for (p = 0; p < GIVEN; p = p + 1) begin : given
            wire [TAKEN*WIDTH-1:0] word = found[p%COPIES*TAKEN*WIDTH+:TAKEN*WIDTH];
            wire [WIDTH-1:0] code = TAKEN == 1 ? word[WIDTH-1:0] : word[part[p*PART+:PART]*WIDTH+:WIDTH];
            assign o_data[p*WIDTH+:WIDTH] = filled[p] ? FILL : code;
        end
    endgenerate
endmodule
