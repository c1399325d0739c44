# SPDX-License-Identifier: MIT
"""The kernel stays small. The linker script cannot say so: it sees sizes before relaxation."""
import kernel_size


def test_text_is_within_the_limit():
    sections = kernel_size.sections()
    text = sections[".text"] + sections[".rodata"]
    assert text <= kernel_size.LIMIT, f"{text:,} bytes of text, {kernel_size.LIMIT:,} allowed"


def test_every_layer_is_found():
    assert all(kernel_size.code_by_layer()[layer] for layer in kernel_size.LAYERS)
