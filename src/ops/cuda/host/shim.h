// What makes kernels.cu a C++ library: each kernel is run block by block, a phase thread by thread. Compiled by the
// tests alone, in front of the kernels' own text.
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

struct Size { unsigned x, y, z; };
static thread_local Size blockIdx, gridDim, blockDim;

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
template <class T> static inline T min(T a, T b) { return a < b ? a : b; }
static inline unsigned bits_of(float x) { unsigned bits; memcpy(&bits, &x, sizeof bits); return bits; }
static inline float float_of(unsigned bits) { float x; memcpy(&x, &bits, sizeof x); return x; }

#define INLINE static inline
#define SHARED static thread_local
// One thread of each block does the whole block's share.
#define EACH(i, n) for (unsigned i = blockIdx.x; i < n; i += gridDim.x)
#define PHASE(t) for (unsigned t = 0; t < blockDim.x; t++)
#define SYNC() ((void)0)

// How a kernel takes its arguments, one letter each: an address, a float, a count.
template <class T> struct letter { static constexpr char value = 'a'; };
template <> struct letter<float> { static constexpr char value = 'f'; };
template <> struct letter<unsigned> { static constexpr char value = 'c'; };

template <class... A, size_t... I> static void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
  for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
      for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) kernel(*(A *)arguments[I]...);
}
// Runs the kernel where its arguments are those that `letters` names; says whether it did.
template <class... A> static int launch(void (*kernel)(A...), const char *letters, const unsigned *sizes, void **arguments) {
  const char expected[] = {letter<A>::value..., 0};
  if (strcmp(letters, expected)) return 0;
  gridDim = {sizes[0], sizes[1], sizes[2]};
  blockDim = {sizes[3], 1, 1};
  call(kernel, arguments, std::make_index_sequence<sizeof...(A)>{});
  return 1;
}

#define KERNEL(name, ...)                                                                              \
  static void name(__VA_ARGS__);                                                                       \
  extern "C" int launch_##name(const char *letters, const unsigned *sizes, void **arguments) {         \
    return launch(name, letters, sizes, arguments);                                                    \
  }                                                                                                    \
  static void name(__VA_ARGS__)
