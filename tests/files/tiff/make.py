"""Kinds of TIFF, and what Pillow reads them as (PNG). Needs numpy, Pillow and tifffile; run in this folder.

`NAME.tif` with a `NAME.png` beside it must be read as that picture; the others are refused.
"""
import numpy as np, tifffile
from PIL import Image

WIDTH, HEIGHT = 13, 9  # no multiples of 8, so that rows of bits are padded
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
rgb = np.stack([x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), 40 + 5 * x], -1).astype(np.uint8)
rgb[3:6, 4:9] = [230, 40, 40]
colour = Image.fromarray(rgb)
grey = np.asarray(colour.convert('L'))
alpha = np.where((x > 2) & (y > 1), 255, 64).astype(np.uint8)


def by_pillow(name, picture, **options):
    """Written by Pillow, and what Pillow reads back."""
    picture.save(f'{name}.tif', **options)
    read = Image.open(f'{name}.tif')
    kind = {'LA': 'LA', 'RGBA': 'RGBA', 'PA': 'RGBA', 'L': 'L', '1': 'L', 'I;16': 'I;16'}.get(read.mode, 'RGB')
    read.convert(kind).save(f'{name}.png')


def by_hand(name, values, picture, **options):
    """Written by tifffile; `picture` is what it shows."""
    tifffile.imwrite(f'{name}.tif', values, **options)
    Image.fromarray(picture).save(f'{name}.png')


def refused(name, values, **options):
    tifffile.imwrite(f'{name}.tif', values, **options)


by_pillow('palette', colour.quantize(16))
by_pillow('ycc_jpeg', colour.convert('YCbCr'), compression='jpeg', quality=95)
by_pillow('grey_alpha', Image.merge('LA', [Image.fromarray(grey), Image.fromarray(alpha)]))
by_pillow('rgba_lzw', Image.merge('RGBA', [*colour.split(), Image.fromarray(alpha)]), compression='tiff_lzw')
by_pillow('cmyk', colour.convert('CMYK'))
by_pillow('bits', colour.convert('1'))
by_pillow('fax', colour.convert('1'), compression='group4')
by_pillow('grey_16', Image.fromarray(grey.astype(np.uint16) * 257), compression='tiff_adobe_deflate')

by_hand('planar', np.moveaxis(rgb, -1, 0).copy(), rgb, photometric='rgb', planarconfig='separate')
by_hand('big_endian_16', rgb.astype(np.uint16) * 257, rgb, photometric='rgb', byteorder='>')
by_hand('bigtiff', rgb, rgb, photometric='rgb', bigtiff=True)
by_hand('tiles', np.tile(rgb, (3, 3, 1)), np.tile(rgb, (3, 3, 1)), photometric='rgb', tile=(16, 16))
by_hand('white_is_zero', 255 - grey, grey, photometric='miniswhite')
by_hand('ignored_sample', np.dstack([rgb, alpha]), rgb, photometric='rgb', extrasamples=['unspecified'])
by_hand('float', grey.astype(np.float32) / 255, grey, photometric='minisblack')
by_hand('float_rgb_16', (rgb / 255).astype(np.float16), rgb, photometric='rgb')
by_hand('float_predictor', rgb / 255, rgb, photometric='rgb', compression='deflate', predictor=True)
multiplied = (rgb * (alpha[..., None] / 255)).round().astype(np.uint8)
tifffile.imwrite('premultiplied.tif', np.dstack([multiplied, alpha]), photometric='rgb', extrasamples=['assocalpha'])
Image.open('premultiplied.tif').convert('RGBA').save('premultiplied.png')
levels = (grey // 64).astype(np.uint8)  # 2 bits a sample, which tifffile does not pack
padded = np.pad(levels, ((0, 0), (0, -WIDTH % 4)))
packed = sum(padded[:, i::4] << (6 - 2 * i) for i in range(4)).astype(np.uint8)
tifffile.imwrite('grey_2.tif', packed, photometric='minisblack')
data = bytearray(open('grey_2.tif', 'rb').read())
with tifffile.TiffFile('grey_2.tif') as file:
    tags = file.pages[0].tags
    for tag, value in [('ImageWidth', WIDTH), ('BitsPerSample', 2)]:
        at = tags[tag].valueoffset
        data[at:at + 2] = value.to_bytes(2, 'little')
open('grey_2.tif', 'wb').write(data)
Image.open('grey_2.tif').convert('L').save('grey_2.png')

refused('signed', grey.astype(np.int16) - 100, photometric='minisblack')
refused('whole_32', grey.astype(np.uint32) * 1000, photometric='minisblack')
refused('float_255', grey.astype(np.float32), photometric='minisblack')
refused('float_nan', np.where(grey > 100, np.nan, grey / 255).astype(np.float32), photometric='minisblack')
refused('bands', np.dstack([rgb, rgb[..., :2]]), photometric='minisblack', planarconfig='contig')
refused('lab', rgb, photometric='cielab')
refused('lzma', rgb, photometric='rgb', compression='lzma')
