"""Names in the firmware: the graph's own, unless C, C++ or hls4ml has another use for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from levelone.graph.build import sanitise


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CPP_WORDS = _words(
    """
    alignas alignof and asm auto bool break case catch char class const const_cast constexpr continue
    decltype default delete do double dynamic_cast else enum explicit export extern false float for friend
    goto if inline int long main mutable namespace new noexcept not nullptr operator or private protected
    public register reinterpret_cast return short signed sizeof static static_assert static_cast struct
    switch template this thread_local throw true try typedef typeid typename union unsigned using virtual
    void volatile while xor nnet std hls levelone
    """
)
# hls4ml keeps a layer's output beside its other attributes, and reserves "input".
HLS4ML_WORDS = _words(
    """
    input output name index trace inputs outputs class_name weight bias scale accum table param strategy
    reuse_factor target_cycles implementation activation axis op perm perm_str dim depth height width
    algorithm size data_format parallelization_factor count_pad depth_multiplier dilation include_header
    type_name expected events log features predictions numbers defines parameters
    """
)
HLS4ML_PATTERN = re.compile(
    r"(n|in|out|pad|filt|stride|pool|ap|af|hls|ssdm|aesl|clone|nnet)_.*|(.*_)?config\d.*"
    r"|.*_(t|data|cpp|shape|quantizer|found|ap|cpy\d+)"
    # what a layer's own types and arrays are called
    r"|.*_(weight|bias|accum|factor|term|product|table|index|source|channel|first|falling|step)"
)
# Macros and global names of the C library; a macro in capitals is told by its capitals.
C_WORDS = _words(
    """
    abi alloca assert assert_perror daylight errno fd_mask fd_set getdate_err issubnormal linux
    math_errhandling offsetof program_invocation_name program_invocation_short_name p_tmpdir retval
    sched_priority signgam stderr stdin stdout strdupa strndupa timezone tzname u_char u_int u_long u_short
    uint ulong unix ushort va_list valtype
    """
)
C_PATTERN = re.compile(r"[lm]_.*|(be|le)\d+toh|hto[bl]e\d+|pthread_.*")
# The type of a layer `time` is called `time_t`: names to which the C library has given that meaning.
C_TYPES = _words(
    """
    blkcnt blkcnt64 blksize caddr clock clockid comparison_fn cpu_set daddr dev div error femode fenv fexcept
    fpos fpos64 fsblkcnt fsblkcnt64 fsfilcnt fsfilcnt64 fsid gid id ino ino64 intmax intptr key ldiv lldiv
    locale loff max_align mbstate mode nlink off off64 pid pthread ptrdiff quad sigset size ssize suseconds
    time timer u_quad uid uintmax uintptr useconds wchar wctrans wctype wint
    """
)
C_TYPE_PATTERN = re.compile(r"u?_?(int|char)(_fast|_least)?\d+|cookie_.*")


def project_name(text: str) -> str:
    """The top function and file stem of a project that is to be called `text`: a C identifier of its own."""
    plain = sanitise(text)
    return f"{plain}_v" if _reserved(plain) else plain


def firmware_names(names: Sequence[str], project: str) -> dict[str, str]:
    """hls4ml layer name of each name, unique also without regard to case, which hls4ml disregards.

    Parameters
    ----------
    names
        C identifiers; the first ones have the first choice.
    project
        Name of the top function.
    """
    taken = {project.lower()}
    result: dict[str, str] = {}
    for name in names:
        candidate = f"{name}_v" if _reserved(name) else name
        while candidate.lower() in taken:
            candidate += "v"
        taken.add(candidate.lower())
        result[name] = candidate
    return result


def _reserved(name: str) -> bool:
    plain = name.lower()
    if re.search("_v+$", plain):  # what is made of a reserved name
        return False
    return (
        name.isupper()
        or plain in CPP_WORDS | HLS4ML_WORDS | C_WORDS | C_TYPES
        or any(pattern.fullmatch(plain) for pattern in (HLS4ML_PATTERN, C_PATTERN, C_TYPE_PATTERN))
    )
