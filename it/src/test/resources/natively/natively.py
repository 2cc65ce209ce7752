"""Tasks of MediaLibrariesIT and RealLibrariesIT, done by the same libraries in an ordinary process.

natively.py TASK LIBRARY ARGUMENT ... prints what the task gives, as the test does.
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_ubyte, c_uint, c_uint64, c_void_p


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype = result
    found.argtypes = arguments
    return found


def at(address, kind):
    return kind.from_address(address).value


def glyphs(library, font, text):
    """FreeType: each letter as 28 pixels high, rendered."""
    freetype = c_void_p()
    face = c_void_p()
    function(library, "FT_Init_FreeType", c_int, POINTER(c_void_p))(byref(freetype))
    function(library, "FT_New_Face", c_int, c_void_p, c_char_p, c_long, POINTER(c_void_p))(
        freetype, font.encode(), 0, byref(face)
    )
    function(library, "FT_Set_Pixel_Sizes", c_int, c_void_p, c_uint, c_uint)(face, 0, 28)
    for letter in text:
        load = function(library, "FT_Load_Char", c_int, c_void_p, c_long, c_int)
        assert load(face, ord(letter), 4) == 0
        slot = at(face.value + 152, c_void_p)
        rows, width, pitch = at(slot + 152, c_uint), at(slot + 156, c_uint), at(slot + 160, c_int)
        pixels = ctypes.string_at(at(slot + 168, c_void_p), rows * pitch) if rows else b""
        print(letter, rows, width, at(slot + 128, c_long), pixels.hex())


def shaping(library, font, text):
    """HarfBuzz: which glyphs a text has, and where."""
    with open(font, "rb") as file:
        data = file.read()
    blob = function(library, "hb_blob_create", c_void_p, c_char_p, c_uint, c_int, c_void_p, c_void_p)(
        data, len(data), 1, None, None
    )
    face = function(library, "hb_face_create", c_void_p, c_void_p, c_uint)(blob, 0)
    hb_font = function(library, "hb_font_create", c_void_p, c_void_p)(face)
    buffer = function(library, "hb_buffer_create", c_void_p)()
    function(library, "hb_buffer_add_utf8", None, c_void_p, c_char_p, c_int, c_uint, c_int)(
        buffer, text.encode(), -1, 0, -1
    )
    function(library, "hb_buffer_guess_segment_properties", None, c_void_p)(buffer)
    function(library, "hb_shape", None, c_void_p, c_void_p, c_void_p, c_uint)(hb_font, buffer, None, 0)
    count = c_uint()
    several = (c_void_p, POINTER(c_uint))
    infos = function(library, "hb_buffer_get_glyph_infos", c_void_p, *several)(buffer, byref(count))
    places = function(library, "hb_buffer_get_glyph_positions", c_void_p, *several)(buffer, byref(count))
    for i in range(count.value):
        info, place = infos + 20 * i, places + 20 * i
        print(at(info, c_uint), at(info + 8, c_uint), at(place, c_int), at(place + 8, c_int), at(place + 12, c_int))


def words(library, affixes, dictionary, *all_words):
    """Hunspell: which words are right, and what is suggested for the others."""
    speller = function(library, "Hunspell_create", c_void_p, c_char_p, c_char_p)(
        affixes.encode(), dictionary.encode()
    )
    for word in all_words:
        right = function(library, "Hunspell_spell", c_int, c_void_p, c_char_p)(speller, word.encode())
        found = POINTER(c_char_p)()
        suggest = function(library, "Hunspell_suggest", c_int, c_void_p, POINTER(POINTER(c_char_p)), c_char_p)
        count = 0 if right else suggest(speller, byref(found), word.encode())
        print(word, right, *[found[i].decode() for i in range(count)])


def video(library, utilities, width, height):
    """libavcodec: one frame, encoded without loss; its packet."""
    width, height = int(width), int(height)
    util = ctypes.CDLL(utilities)
    codec = function(library, "avcodec_find_encoder_by_name", c_void_p, c_char_p)(b"ffv1")
    context = function(library, "avcodec_alloc_context3", c_void_p, c_void_p)(codec)
    option = function(util, "av_opt_set", c_int, c_void_p, c_char_p, c_char_p, c_int)
    for name, value in (("video_size", f"{width}x{height}"), ("pixel_format", "gray"), ("time_base", "1/25")):
        assert option(context, name.encode(), value.encode(), 0) == 0
    assert function(library, "avcodec_open2", c_int, c_void_p, c_void_p, c_void_p)(context, codec, None) == 0
    frame = function(util, "av_frame_alloc", c_void_p)()
    gray = function(util, "av_get_pix_fmt", c_int, c_char_p)(b"gray")
    for offset, value in ((104, width), (108, height), (116, gray)):
        c_int.from_address(frame + offset).value = value
    assert function(util, "av_frame_get_buffer", c_int, c_void_p, c_int)(frame, 0) == 0
    pixels, line = at(frame, c_void_p), at(frame + 64, c_int)
    for y in range(height):
        for x in range(width):
            c_ubyte.from_address(pixels + y * line + x).value = x * y // 16 % 256
    packet = function(library, "av_packet_alloc", c_void_p)()
    assert function(library, "avcodec_send_frame", c_int, c_void_p, c_void_p)(context, frame) == 0
    assert function(library, "avcodec_receive_packet", c_int, c_void_p, c_void_p)(context, packet) == 0
    print(ctypes.string_at(at(packet + 24, c_uint64), at(packet + 32, c_int)).hex())


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    tasks = {"glyphs": glyphs, "shaping": shaping, "words": words, "video": video}
    tasks[sys.argv[1]](ctypes.CDLL(sys.argv[2]), *sys.argv[3:])
