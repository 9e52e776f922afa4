#include <stdint.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As OpenSSH's sk-api.h declares them. */
struct sk_enroll_response {
    uint8_t flags;
    uint8_t *public_key; size_t public_key_len;
    uint8_t *key_handle; size_t key_handle_len;
    uint8_t *signature; size_t signature_len;
    uint8_t *attestation_cert; size_t attestation_cert_len;
    uint8_t *authdata; size_t authdata_len;
};
struct sk_sign_response {
    uint8_t flags;
    uint32_t counter;
    uint8_t *sig_r; size_t sig_r_len;
    uint8_t *sig_s; size_t sig_s_len;
};
struct sk_option;
struct sk_resident_key;

/* Of libcrypto, declared here so that no header of it is needed. */
extern void *EVP_PKEY_new_raw_private_key(int, void *, const unsigned char *, size_t);
extern int EVP_PKEY_get_raw_public_key(const void *, unsigned char *, size_t *);
extern void *EVP_MD_CTX_new(void);
extern int EVP_DigestSignInit(void *, void *, const void *, void *, void *);
extern int EVP_DigestSign(void *, unsigned char *, size_t *, const unsigned char *, size_t);
extern unsigned char *SHA256(const unsigned char *, size_t, unsigned char *);
extern int RAND_bytes(unsigned char *, int);

#ifndef API
#define API 0x000a0000
#endif
#define ED25519 1087

uint32_t sk_api_version(void) { return API; }

static uint8_t *copy(const uint8_t *from, size_t size)
{
    uint8_t *to = malloc(size ? size : 1);
    if (to) memcpy(to, from, size);
    return to;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags,
              const char *pin, struct sk_option **options, struct sk_enroll_response **response)
{
    uint8_t seed[32], point[32];
    size_t size = sizeof point;
    struct sk_enroll_response *made = calloc(1, sizeof *made);
    if (alg != 1 || !made || RAND_bytes(seed, sizeof seed) != 1) return -2;
    void *key = EVP_PKEY_new_raw_private_key(ED25519, 0, seed, sizeof seed);
    if (!key || EVP_PKEY_get_raw_public_key(key, point, &size) != 1) return -1;
    made->flags = flags;
    made->public_key = copy(point, sizeof point);
    made->public_key_len = sizeof point;
    made->key_handle = copy(seed, sizeof seed);
    made->key_handle_len = sizeof seed;
    made->signature = copy(seed, 0);
    made->attestation_cert = copy(seed, 0);
    made->authdata = copy(seed, 0);
    *response = made;
    return 0;
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle, size_t handle_len,
            uint8_t flags, const char *pin, struct sk_option **options, struct sk_sign_response **response)
{
    uint8_t signed_bytes[32 + 1 + 4 + 32], signature[64];
    size_t size = sizeof signature;
    struct sk_sign_response *made = calloc(1, sizeof *made);
    if (alg != 1 || !made || handle_len != 32) return -2;
    made->flags = flags & 0x01;
    made->counter = 0x12345678;
    SHA256((const unsigned char *)application, strlen(application), signed_bytes);
    signed_bytes[32] = made->flags;
    memcpy(signed_bytes + 33, "\x12\x34\x56\x78", 4);
    SHA256(data, data_len, signed_bytes + 37);
    void *key = EVP_PKEY_new_raw_private_key(ED25519, 0, handle, handle_len), *context = EVP_MD_CTX_new();
    if (!key || !context || EVP_DigestSignInit(context, 0, 0, 0, key) != 1) return -1;
    if (EVP_DigestSign(context, signature, &size, signed_bytes, sizeof signed_bytes) != 1 || size != 64) return -1;
    made->sig_r = copy(signature, sizeof signature);
    made->sig_r_len = sizeof signature;
    *response = made;
    return 0;
}

int sk_load_resident_keys(const char *pin, struct sk_option **options, struct sk_resident_key ***keys, size_t *count) { return -2; }
