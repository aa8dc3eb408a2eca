// SPDX-License-Identifier: Apache-2.0
// The assembler copies the file into the object; its path is relative to the root of the workspace.
    .section .rodata
    .balign 64
    .globl assay_efficientnet_lite0_begin
    .hidden assay_efficientnet_lite0_begin
assay_efficientnet_lite0_begin:
    .incbin "models/weights/efficientnet_lite0.safetensors"
    .globl assay_efficientnet_lite0_end
    .hidden assay_efficientnet_lite0_end
assay_efficientnet_lite0_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
