/* Base64 (RFC 4648, section 4): in wide registers where the processor has them, else twelve bits at a time. */

#include "base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAS_WIDE 1
#else
#define HAS_WIDE 0
#endif

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char pairs[4096][2];
static bool is_wide;

void base64_prepare(void)
{
    for (int bits = 0; bits < 4096; bits++) {
        pairs[bits][0] = ALPHABET[bits >> 6];
        pairs[bits][1] = ALPHABET[bits & 63];
    }
#if HAS_WIDE
    is_wide = __builtin_cpu_supports("avx2");
#endif
}

size_t base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

static inline char *write_pair(char *to, unsigned int bits)
{
    memcpy(to, pairs[bits & 4095], 2);
    return to + 2;
}

static inline char *write_three(char *to, unsigned int first, unsigned int second, unsigned int third)
{
    to = write_pair(to, first << 4 | second >> 4);
    return write_pair(to, second << 8 | third);
}

/* Six of the eight bytes at a place. */
static inline char *write_six(char *to, const unsigned char *from)
{
    uint64_t bits = 0;
    for (int at = 0; at < 8; at++)
        bits = bits << 8 | from[at];
    for (int shift = 52; shift >= 16; shift -= 12)
        to = write_pair(to, (unsigned int)(bits >> shift));
    return to;
}

#if HAS_WIDE

/* Of each three bytes, which stand in four as b a c b, the four sixes of their bits, a byte each. */
__attribute__((target("avx2"))) static inline __m256i sixes(__m256i bytes)
{
    const __m256i first_and_third = _mm256_and_si256(bytes, _mm256_set1_epi32(0x0fc0fc00));
    const __m256i second_and_fourth = _mm256_and_si256(bytes, _mm256_set1_epi32(0x003f03f0));
    /* To multiply by powers of two is to shift each half by its own count. */
    return _mm256_or_si256(_mm256_mulhi_epu16(first_and_third, _mm256_set1_epi32(0x04000040)),
                           _mm256_mullo_epi16(second_and_fourth, _mm256_set1_epi32(0x01000010)));
}

/* The characters of sixes: each is moved by what its range of the alphabet is from its place in it. */
__attribute__((target("avx2"))) static inline __m256i characters(__m256i six)
{
    const __m256i moves = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
        '+' - 62, '/' - 63, 'A', 0, 0));
    /* 1 to 12 from 52 on, and 0 below; of those, 13 for what is in capitals. */
    __m256i range = _mm256_subs_epu8(six, _mm256_set1_epi8(51));
    __m256i is_capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), six);
    range = _mm256_or_si256(range, _mm256_and_si256(is_capital, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(_mm256_shuffle_epi8(moves, range), six);
}

/* Writes the characters of as many bytes as go by twenty-four; returns how many. Four more are read beyond them. */
__attribute__((target("avx2"))) static size_t write_wide(char *to, const unsigned char *from, size_t length)
{
    const __m256i spread = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    size_t done = 0;
    for (; length - done >= 28; done += 24, to += 32) {
        __m128i low = _mm_loadu_si128((const __m128i *)(from + done));
        __m128i high = _mm_loadu_si128((const __m128i *)(from + done + 12));
        __m256i bytes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
        _mm256_storeu_si256((__m256i *)to, characters(sixes(bytes)));
    }
    return done;
}

#else

static size_t write_wide(char *to, const unsigned char *from, size_t length)
{
    (void)to, (void)from, (void)length;
    return 0;
}

#endif

char *base64_write(char *to, const unsigned char *from, size_t length)
{
    if (is_wide) {
        size_t done = write_wide(to, from, length);
        to += base64_length(done);
        from += done;
        length -= done;
    }
    for (; length >= 8; length -= 6, from += 6)
        to = write_six(to, from);
    for (; length >= 3; length -= 3, from += 3)
        to = write_three(to, from[0], from[1], from[2]);
    if (length) {
        to = write_three(to, from[0], length == 2 ? from[1] : 0, 0);
        memset(to - (3 - length), '=', 3 - length);
    }
    return to;
}
