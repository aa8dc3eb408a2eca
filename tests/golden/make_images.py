#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/images/* and tests/golden/images.txt with Pillow 9.4 and its libjpeg-turbo 2.1.5.

    python3 tests/golden/make_images.py

A line of images.txt: file, width, height, SHA-256 of the RGB bytes that decoding must give. They are
ImageOps.exif_transpose(image).convert('RGB') by Pillow; for 16-bit files, of which Pillow keeps the high byte, they
are the samples v / 257 rounded. A JPEG has its expected pixels beside it as a PNG, for decoders that differ a little.
"""
import hashlib
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / 'images'
WIDTH, HEIGHT = 35, 27
EXPECTED = {}  # file -> (H, W, 3) uint8


def picture(height=HEIGHT, width=WIDTH):
    """Gradients, an edge and some noise: (H, W, 3) uint8."""
    rng = np.random.RandomState(1)
    y, x = np.mgrid[0:height, 0:width]
    out = np.stack([x * 255 / width, y * 255 / height, 255 - (x + y) * 255 / (height + width)], axis=2)
    out[height // 3:height // 2, width // 4:width // 2] = (250, 20, 30)
    return np.clip(out + rng.randint(-6, 7, out.shape), 0, 255).astype(np.uint8)


def by_pillow(name):
    return np.asarray(ImageOps.exif_transpose(Image.open(OUT / name)).convert('RGB'))


def save(name, image, **options):
    image.save(OUT / name, **options)
    EXPECTED[name] = by_pillow(name)


def exif(orientation, order):
    entry = struct.pack(order + 'HHIHH', 0x0112, 3, 1, orientation, 0)
    other = struct.pack(order + 'HHII', 0x0100, 4, 1, 9)  # an entry before it
    header = b'II*\0' if order == '<' else b'MM\0*'
    return header + struct.pack(order + 'IH', 8, 2) + other + entry + struct.pack(order + 'I', 0)


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(samples, bits, colour, interlaced=False, extra=b''):
    """samples (H, W) or (H, W, C), 8 or 16 bits, no row filters."""
    height, width = samples.shape[:2]
    data = samples.astype('>u2' if bits == 16 else 'u1')
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    raw = b''
    for y, x, dy, dx in passes if interlaced else [(0, 0, 1, 1)]:
        part = data[y::dy, x::dx]
        if part.size:
            raw += b''.join(b'\0' + row.tobytes() for row in part)
    header = struct.pack('>IIBBBBB', width, height, bits, colour, 0, 0, int(interlaced))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + extra + chunk(b'IDAT', zlib.compress(raw, 9)) +
            chunk(b'IEND', b''))


def write(name, data, expected=None):
    (OUT / name).write_bytes(data)
    EXPECTED[name] = by_pillow(name) if expected is None else expected


def to_8_bits(samples, top=65535):
    return ((samples.astype(np.int64) * 255 + top // 2) // top).astype(np.uint8)


def as_rgb(samples):
    return np.repeat(samples[:, :, None], 3, axis=2) if samples.ndim == 2 else samples[:, :, :3]


def make_jpegs():
    rgb = Image.fromarray(picture())
    save('rgb_420.jpg', rgb, quality=85, subsampling=2)
    save('rgb_444.jpg', rgb, quality=95, subsampling=0)
    save('rgb_422_progressive.jpg', rgb, quality=80, subsampling=1, progressive=True)
    save('grey.jpg', rgb.convert('L'), quality=90)
    small = Image.fromarray(picture(7, 9))
    save('exif_6_little.jpg', small, quality=90, exif=b'Exif\0\0' + exif(6, '<'))
    save('exif_7_big.jpg', small, quality=90, exif=b'Exif\0\0' + exif(7, '>'))
    for name in [n for n in EXPECTED if n.endswith('.jpg')]:
        Image.fromarray(EXPECTED[name]).save(OUT / (name + '.png'), optimize=True)
    rgb.convert('CMYK').save(OUT / 'cmyk.jpg', quality=50)  # an error: no expected pixels


def make_pngs():
    pixels = picture()
    small = picture(7, 9)
    image = Image.fromarray(small)
    alpha = np.arange(63, dtype=np.uint8).reshape(7, 9) * 4
    save('rgb.png', Image.fromarray(pixels), optimize=True)
    save('grey.png', image.convert('L'))
    save('one_bit.png', image.convert('1'))
    save('rgba.png', Image.fromarray(np.dstack([small, alpha])))
    save('grey_alpha.png', Image.merge('LA', (image.convert('L'), Image.fromarray(alpha))))
    save('palette.png', image.quantize(13))
    save('palette_transparent.png', image.quantize(13), transparency=3)
    save('one_pixel.png', Image.fromarray(small[:1, :1]))
    write('interlaced.png', png(picture(13, 19), 8, 2, interlaced=True))
    rng = np.random.RandomState(2)
    wide = rng.randint(0, 65536, (7, 9, 3)).astype(np.uint16)
    wide[0, :4, 0] = (128, 129, 65535, 0)
    write('rgb_16.png', png(wide, 16, 2), to_8_bits(wide))
    write('grey_16.png', png(wide[:, :, 0], 16, 0), as_rgb(to_8_bits(wide[:, :, 0])))
    for orientation in range(1, 9):
        write(f'exif_{orientation}.png', png(small[:3, :2], 8, 2, extra=chunk(b'eXIf', exif(orientation, '>'))))
    write('grey_16.pgm', b'P5 # comment\n9 7\n65535\n' + wide[:, :, 0].astype('>u2').tobytes(),
          as_rgb(to_8_bits(wide[:, :, 0])))
    levels = small[:, :, 0] % 101
    write('grey_100.pgm', b'P5\n9 7\n100\n' + levels.tobytes(), as_rgb(to_8_bits(levels, 100)))


def make_others():
    image = Image.fromarray(picture(7, 9))
    save('rgb.ppm', image)
    save('rgb.bmp', image)
    save('grey.bmp', image.convert('L'))
    save('rgb.tga', image)
    save('rgb_rle.tga', Image.fromarray(picture(16, 40) // 64 * 64), compression='tga_rle')
    save('grey.tga', image.convert('L'))
    save('palette.tga', image.quantize(13))


def main():
    OUT.mkdir(exist_ok=True)
    make_jpegs()
    make_pngs()
    make_others()
    lines = [f'# Pillow {PIL.__version__}; made by tests/golden/make_images.py']
    for name, pixels in sorted(EXPECTED.items()):
        height, width = pixels.shape[:2]
        lines.append(f'{name} {width} {height} {hashlib.sha256(pixels.tobytes()).hexdigest()}')
    (HERE / 'images.txt').write_text('\n'.join(lines) + '\n')


main()
