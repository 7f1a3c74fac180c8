"""What stands for a text that is to be known again among millions."""

import hashlib

DIGEST_BYTES = 16


def digest_of(text: str) -> bytes:
    """DIGEST_BYTES of a text, in place of the text itself: alike for no two that anybody will meet."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).digest()
