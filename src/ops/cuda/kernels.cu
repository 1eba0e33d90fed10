// The kernels of the CUDA backend, all f32. Sizes and positions fit 31 bits: whoever launches sees to it.
//
// Each kernel is either one loop over the elements (EACH) or, where the threads of a block work together, a sequence of
// PHASEs with a SYNC between them; nothing but SHARED memory lives from one phase to the next. That way the same text
// also runs on the CPU, where a phase is a loop over the block's threads (host/shim.h), and is tested without a GPU.
#ifdef __CUDACC__
#define KERNEL(name, ...) extern "C" __global__ void name(__VA_ARGS__)
#define INLINE __device__ __forceinline__
#define SHARED __shared__
#define EACH(i, n) for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
#define PHASE(t) if (const unsigned t = threadIdx.x; true)
#define SYNC() __syncthreads()
INLINE unsigned bits_of(float x) { return __float_as_uint(x); }
INLINE float float_of(unsigned bits) { return __uint_as_float(bits); }
#endif

// Threads of a block in every kernel that has phases.
#define THREADS 256u

// ---- one value, or four neighbours at once

INLINE float leaky(float x, float slope) { return x > 0.f ? x : slope * x; }
INLINE float gate(float at, float x, float slope) { return at > 0.f ? x : slope * x; }
INLINE float scaled(float x, float scale) { return x * scale; }
INLINE float plus(float x, float other) { return x + other; }
INLINE float weighted(float x, float scale, float base) { return fmaf(x, scale, base); }

INLINE float4 leaky(float4 x, float s) { return make_float4(leaky(x.x, s), leaky(x.y, s), leaky(x.z, s), leaky(x.w, s)); }
INLINE float4 gate(float4 at, float4 x, float s) {
  return make_float4(gate(at.x, x.x, s), gate(at.y, x.y, s), gate(at.z, x.z, s), gate(at.w, x.w, s));
}
INLINE float4 scaled(float4 x, float s) { return make_float4(x.x * s, x.y * s, x.z * s, x.w * s); }
INLINE float4 plus(float4 x, float b) { return make_float4(x.x + b, x.y + b, x.z + b, x.w + b); }
INLINE float4 weighted(float4 x, float s, float4 b) {
  return make_float4(fmaf(x.x, s, b.x), fmaf(x.y, s, b.y), fmaf(x.z, s, b.z), fmaf(x.w, s, b.w));
}

// ---- elementwise: each for single values, and for fours of them where addresses and sizes allow it

template <class T> INLINE void leaky_relu_of(const T *x, T *y, float slope, unsigned n) { EACH(i, n) y[i] = leaky(x[i], slope); }
KERNEL(leaky_relu, const float *x, float *y, float slope, unsigned n) { leaky_relu_of(x, y, slope, n); }
KERNEL(leaky_relu_4, const float4 *x, float4 *y, float slope, unsigned n) { leaky_relu_of(x, y, slope, n); }

template <class T> INLINE void leaky_relu_backward_of(const T *at, const T *upstream, T *y, float slope, unsigned n) {
  EACH(i, n) y[i] = gate(at[i], upstream[i], slope);
}
KERNEL(leaky_relu_backward, const float *at, const float *upstream, float *y, float slope, unsigned n) {
  leaky_relu_backward_of(at, upstream, y, slope, n);
}
KERNEL(leaky_relu_backward_4, const float4 *at, const float4 *upstream, float4 *y, float slope, unsigned n) {
  leaky_relu_backward_of(at, upstream, y, slope, n);
}

template <class T> INLINE void scale_of(const T *x, T *y, float scale, unsigned n) { EACH(i, n) y[i] = scaled(x[i], scale); }
KERNEL(scale, const float *x, float *y, float scale, unsigned n) { scale_of(x, y, scale, n); }
KERNEL(scale_4, const float4 *x, float4 *y, float scale, unsigned n) { scale_of(x, y, scale, n); }

// y = base + scale * x; y may be base
template <class T> INLINE void weighted_sum_of(const T *base, const T *x, T *y, float scale, unsigned n) {
  EACH(i, n) y[i] = weighted(x[i], scale, base[i]);
}
KERNEL(weighted_sum, const float *base, const float *x, float *y, float scale, unsigned n) {
  weighted_sum_of(base, x, y, scale, n);
}
KERNEL(weighted_sum_4, const float4 *base, const float4 *x, float4 *y, float scale, unsigned n) {
  weighted_sum_of(base, x, y, scale, n);
}

// What surrounds a convolution or a product, absent where a pointer is null or a flag zero:
// shortcut + scale * mask * activation(y + bias).
struct Epilogue {
  const float *bias;
  unsigned has_after;
  float after;
  const float *mask;
  float mask_slope;
  const float *shortcut;
  float scale;
};

// y = epilogue(y), in place; `plane` values of a channel lie together
template <class T>
INLINE void epilogue_of(T *y, const float *bias, unsigned has_after, float after, const T *mask, float mask_slope,
                        const T *shortcut, float scale, unsigned channels, unsigned plane, unsigned n) {
  EACH(i, n) {
    T v = y[i];
    if (bias) v = plus(v, bias[(i / plane) % channels]);
    if (has_after) v = leaky(v, after);
    if (mask) v = gate(mask[i], v, mask_slope);
    if (shortcut) v = weighted(v, scale, shortcut[i]);
    y[i] = v;
  }
}
KERNEL(epilogue, float *y, const float *bias, unsigned has_after, float after, const float *mask, float mask_slope,
       const float *shortcut, float scale, unsigned channels, unsigned plane, unsigned n) {
  epilogue_of(y, bias, has_after, after, mask, mask_slope, shortcut, scale, channels, plane, n);
}
KERNEL(epilogue_4, float4 *y, const float *bias, unsigned has_after, float after, const float4 *mask, float mask_slope,
       const float4 *shortcut, float scale, unsigned channels, unsigned plane, unsigned n) {
  epilogue_of(y, bias, has_after, after, mask, mask_slope, shortcut, scale, channels, plane, n);
}

// y = x + weights[picture] * leaky(change)
template <class T>
INLINE void add_per_picture_of(const T *x, const T *change, const float *weights, T *y, float slope, unsigned picture, unsigned n) {
  EACH(i, n) y[i] = weighted(leaky(change[i], slope), weights[i / picture], x[i]);
}
KERNEL(add_per_picture, const float *x, const float *change, const float *weights, float *y, float slope, unsigned picture, unsigned n) {
  add_per_picture_of(x, change, weights, y, slope, picture, n);
}
KERNEL(add_per_picture_4, const float4 *x, const float4 *change, const float *weights, float4 *y, float slope, unsigned picture, unsigned n) {
  add_per_picture_of(x, change, weights, y, slope, picture, n);
}

KERNEL(zero, float *y, unsigned n) { EACH(i, n) y[i] = 0.f; }
KERNEL(hyperbolic_tangent, const float *x, float *y, unsigned n) { EACH(i, n) y[i] = tanhf(x[i]); }
KERNEL(hyperbolic_tangent_backward, const float *y, const float *upstream, float *x, unsigned n) {
  EACH(i, n) x[i] = upstream[i] - upstream[i] * y[i] * y[i];
}

// ---- sums, always in one order

template <class T> INLINE void halve(T *part, unsigned t, unsigned half) { if (t < half) part[t] += part[t + half]; }
// The sum of a block's partial sums comes to lie in part[0].
#define SUM_UP(part)                                                                                     \
  for (unsigned half = THREADS / 2; half; half /= 2) {                                                   \
    SYNC();                                                                                              \
    PHASE(t) halve(part, t, half);                                                                       \
  }                                                                                                      \
  SYNC()

// partial[c * shares + share]: a share of the sum over pictures and plane of channel c, each picture times its weight
KERNEL(channel_sum, const float *x, const float *weights, float *partial, unsigned pictures, unsigned channels, unsigned plane) {
  SHARED float part[THREADS];
  const unsigned c = blockIdx.x, share = blockIdx.y, shares = gridDim.y, count = pictures * plane;
  PHASE(t) {
    float sum = 0.f;
    for (unsigned j = share * THREADS + t; j < count; j += shares * THREADS) {
      const unsigned picture = j / plane, place = j - picture * plane;
      const float value = x[((size_t)picture * channels + c) * plane + place];
      sum += weights ? value * weights[picture] : value;
    }
    part[t] = sum;
  }
  SUM_UP(part);
  PHASE(t) if (t == 0) partial[c * shares + share] = part[0];
}
KERNEL(sum_of_shares, const float *partial, float *y, unsigned shares, unsigned n) {
  EACH(i, n) {
    float sum = 0.f;
    for (unsigned share = 0; share < shares; share++) sum += partial[i * shares + share];
    y[i] = sum;
  }
}

// partial[block]: a share of the sum of squares
KERNEL(sum_of_squares, const float *x, double *partial, unsigned n) {
  SHARED double part[THREADS];
  PHASE(t) {
    double sum = 0.0;
    for (unsigned i = blockIdx.x * THREADS + t; i < n; i += gridDim.x * THREADS) sum += (double)x[i] * (double)x[i];
    part[t] = sum;
  }
  SUM_UP(part);
  PHASE(t) if (t == 0) partial[blockIdx.x] = part[0];
}
// y[0] + y[1] is the sum of the partial sums, to 48 bits
KERNEL(sum_in_two_words, const double *partial, float *y, unsigned n) {
  SHARED double part[THREADS];
  PHASE(t) {
    double sum = 0.0;
    for (unsigned i = t; i < n; i += THREADS) sum += partial[i];
    part[t] = sum;
  }
  SUM_UP(part);
  PHASE(t) if (t == 0) {
    y[0] = (float)part[0];
    // the rest of what is not finite would be NaN
    y[1] = fabsf(y[0]) <= 3.402823466e38f ? (float)(part[0] - (double)y[0]) : 0.f;
  }
}

// partial[block]: a share of the cross-entropy of pictures with logits
KERNEL(cross_entropy, const float *logits, const float *x, float *partial, unsigned n) {
  SHARED float part[THREADS];
  PHASE(t) {
    float sum = 0.f;
    for (unsigned i = blockIdx.x * THREADS + t; i < n; i += gridDim.x * THREADS) {
      const float l = logits[i];
      sum += fmaxf(l, 0.f) + log1pf(expf(-fabsf(l))) - l * x[i];
    }
    part[t] = sum;
  }
  SUM_UP(part);
  PHASE(t) if (t == 0) partial[blockIdx.x] = part[0];
}
KERNEL(cross_entropy_backward, const float *logits, const float *x, const float *scale, float *y, unsigned n) {
  EACH(i, n) y[i] = *scale * (1.f / (1.f + expf(-logits[i])) - x[i]);
}

// ---- pooling and re-sampling, plane by plane; n counts what is written

// 3x3 windows of stride 2 with a ring of zeros that counts: (height, width) to (h, w)
KERNEL(average_pool, const float *x, float *y, unsigned height, unsigned width, unsigned h, unsigned w, unsigned n) {
  EACH(i, n) {
    const unsigned ox = i % w, row = i / w, oy = row % h;
    const float *plane = x + (size_t)(row / h) * height * width;
    const unsigned y1 = min(2 * oy + 2, height), x1 = min(2 * ox + 2, width);
    float sum = 0.f;
    for (unsigned a = oy ? 2 * oy - 1 : 0; a < y1; a++)
      for (unsigned b = ox ? 2 * ox - 1 : 0; b < x1; b++) sum += plane[a * width + b];
    y[i] = sum * (1.f / 9.f);
  }
}
// its adjoint: an even position lies in one window of an axis, an odd one in two
KERNEL(average_pool_backward, const float *y, float *x, unsigned height, unsigned width, unsigned h, unsigned w, unsigned n) {
  EACH(i, n) {
    const unsigned ix = i % width, row = i / width, iy = row % height;
    const float *plane = y + (size_t)(row / height) * h * w;
    const unsigned y1 = min((iy + 1) / 2, h - 1), x1 = min((ix + 1) / 2, w - 1);
    float sum = 0.f;
    for (unsigned a = iy / 2; a <= y1; a++)
      for (unsigned b = ix / 2; b <= x1; b++) sum += plane[a * w + b];
    x[i] = sum * (1.f / 9.f);
  }
}

// each value times `scale` fills a block of `factor` by `factor`; rows of x have `width` values
KERNEL(block_fill, const float *x, float *y, float scale, unsigned width, unsigned factor, unsigned n) {
  EACH(i, n) {
    const unsigned column = i % (width * factor), row = i / (width * factor);
    y[i] = scale * x[(size_t)(row / factor) * width + column / factor];
  }
}
// the same with a factor of 2, two values to four; n and `pairs` (of a row of x) count those
KERNEL(block_fill_2, const float2 *x, float4 *y, float scale, unsigned pairs, unsigned n) {
  EACH(i, n) {
    const unsigned column = i % pairs, row = i / pairs;
    const float2 v = x[(size_t)(row / 2) * pairs + column];
    y[i] = make_float4(scale * v.x, scale * v.x, scale * v.y, scale * v.y);
  }
}
// the sum of each block times `scale`; rows of y have `width` values
KERNEL(block_sum, const float *x, float *y, float scale, unsigned width, unsigned factor, unsigned n) {
  EACH(i, n) {
    const unsigned column = i % width, row = i / width;
    float sum = 0.f;
    for (unsigned a = 0; a < factor; a++)
      for (unsigned b = 0; b < factor; b++) sum += x[((size_t)row * factor + a) * width * factor + column * factor + b];
    y[i] = scale * sum;
  }
}
KERNEL(block_sum_2, const float4 *x, float2 *y, float scale, unsigned pairs, unsigned n) {
  EACH(i, n) {
    const unsigned column = i % pairs, row = i / pairs;
    const float4 a = x[(size_t)(2 * row) * pairs + column], b = x[(size_t)(2 * row + 1) * pairs + column];
    y[i] = make_float2(scale * (a.x + a.y + b.x + b.y), scale * (a.z + a.w + b.z + b.w));
  }
}

// Position `o` of `size` along an axis of `from` samples between `left` and the next: ((2 o + 1) from - size) / 2 size,
// not below 0.
INLINE unsigned bilinear_left(unsigned o, unsigned from, unsigned size, float *along) {
  const unsigned long long position = (2ull * o + 1) * from;
  const unsigned long long above = position > size ? position - size : 0;
  const unsigned left = (unsigned)(above / (2ull * size));
  *along = left + 1 < from ? (float)(above - 2ull * size * left) / (float)(2ull * size) : 0.f;
  return left;
}
// How much input `p` counts at position `o`.
INLINE float bilinear_share(unsigned p, unsigned o, unsigned from, unsigned size) {
  float along;
  const unsigned left = bilinear_left(o, from, size, &along);
  return p == left ? 1.f - along : p == left + 1 ? along : 0.f;
}
KERNEL(bilinear, const float *x, float *y, unsigned height, unsigned width, unsigned h, unsigned w, unsigned n) {
  EACH(i, n) {
    const unsigned ox = i % w, row = i / w, oy = row % h;
    const float *plane = x + (size_t)(row / h) * height * width;
    float dy, dx;
    const unsigned top = bilinear_left(oy, height, h, &dy), left = bilinear_left(ox, width, w, &dx);
    const unsigned below = min(top + 1, height - 1), right = min(left + 1, width - 1);
    const float *a = plane + (size_t)top * width, *b = plane + (size_t)below * width;
    const float upper = a[left] + dx * (a[right] - a[left]), lower = b[left] + dx * (b[right] - b[left]);
    y[i] = upper + dy * (lower - upper);
  }
}
// its adjoint: the positions that reach input `p` lie within (p +- 1) size / from, and two more for the ends
KERNEL(bilinear_backward, const float *y, float *x, unsigned height, unsigned width, unsigned h, unsigned w, unsigned n) {
  EACH(i, n) {
    const unsigned ix = i % width, row = i / width, iy = row % height;
    const float *plane = y + (size_t)(row / height) * h * w;
    const unsigned y0 = iy < 2 ? 0 : (unsigned)((iy - 1ull) * h / height), x0 = ix < 2 ? 0 : (unsigned)((ix - 1ull) * w / width);
    const unsigned y1 = (unsigned)min((iy + 2ull) * h / height + 1, (unsigned long long)h);
    const unsigned x1 = (unsigned)min((ix + 2ull) * w / width + 1, (unsigned long long)w);
    float sum = 0.f;
    for (unsigned a = y0; a < y1; a++) {
      const float share = bilinear_share(iy, a, height, h);
      if (share == 0.f) continue;
      for (unsigned b = x0; b < x1; b++) sum += share * bilinear_share(ix, b, width, w) * plane[a * w + b];
    }
    x[i] = sum;
  }
}

// ---- pictures

INLINE unsigned byte_of(float x, unsigned logits) {
  const float unit = logits ? 1.f / (1.f + expf(-x)) : (x + 1.f) * .5f;
  // NaN shows as 0
  return (unsigned)fminf(fmaxf(unit * 255.f + .5f, 0.f), 255.f);
}
// (N, channels, plane) of -1 to 1, or logits, to (N, plane) of RGBA; one channel is grey
KERNEL(rgba, const float *x, unsigned *y, unsigned logits, unsigned channels, unsigned plane, unsigned n) {
  EACH(i, n) {
    const unsigned picture = i / plane, place = i - picture * plane, step = channels == 3 ? plane : 0;
    const float *from = x + (size_t)picture * channels * plane + place;
    const unsigned r = byte_of(from[0], logits), g = byte_of(from[step], logits), b = byte_of(from[2 * step], logits);
    y[i] = r | g << 8 | b << 16 | 255u << 24;
  }
}

// go = (`first` or it was set) and every value is finite
KERNEL(still_finite, const float *values, float *go, unsigned count, unsigned first, unsigned n) {
  EACH(i, n) {
    float finite = first ? 1.f : go[i];
    for (unsigned j = 0; j < count; j++)
      if (!(fabsf(values[j]) <= 3.402823466e38f)) finite = 0.f;
    go[i] = finite;
  }
}

// ---- weights in place: PyTorch's formulas; nothing where there is a `go` that is zero. What changes from step to step is
// read from memory, so that a recorded launch stays right: pace[0] is the step size, pace[1] Adam's scale of the root.

INLINE bool goes(const float *go) { return !go || *go != 0.f; }
KERNEL(adam, float *w, const float *g, float *m, float *v, const float *go, const float *pace, float beta1, float beta2, float epsilon, unsigned n) {
  if (goes(go)) EACH(i, n) {
    const float mean = beta1 * m[i] + (1.f - beta1) * g[i], square = beta2 * v[i] + (1.f - beta2) * g[i] * g[i];
    m[i] = mean;
    v[i] = square;
    w[i] -= pace[0] * mean / (sqrtf(square) * pace[1] + epsilon);
  }
}
KERNEL(rmsprop, float *w, const float *g, float *v, const float *go, const float *pace, float alpha, float epsilon, unsigned n) {
  if (goes(go)) EACH(i, n) {
    const float square = alpha * v[i] + (1.f - alpha) * g[i] * g[i];
    v[i] = square;
    w[i] -= pace[0] * g[i] / (sqrtf(square) + epsilon);
  }
}
KERNEL(rmsprop_momentum, float *w, const float *g, float *v, float *b, const float *go, const float *pace, float alpha, float epsilon, float momentum, unsigned n) {
  if (goes(go)) EACH(i, n) {
    const float square = alpha * v[i] + (1.f - alpha) * g[i] * g[i];
    const float speed = momentum * b[i] + g[i] / (sqrtf(square) + epsilon);
    v[i] = square;
    b[i] = speed;
    w[i] -= pace[0] * speed;
  }
}
KERNEL(moving_average, float *average, const float *w, const float *go, float decay, unsigned n) {
  if (goes(go)) EACH(i, n) average[i] = decay * average[i] + (1.f - decay) * w[i];
}

// ---- channels last, the layout in which tensor cores multiply; f32, or bf16 rounded to the nearest even

struct bf16 { unsigned short bits; };
INLINE unsigned bf16_bits(float x) {
  const unsigned bits = bits_of(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffu; // NaN stays NaN
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}
INLINE void put(float *p, float x) { *p = x; }
INLINE void put(bf16 *p, float x) { p->bits = (unsigned short)bf16_bits(x); }
INLINE float get(const float *p) { return *p; }
INLINE float get(const bf16 *p) { return float_of((unsigned)p->bits << 16); }
// two neighbours in one access; the first of them is even
INLINE void put_pair(float *p, float a, float b) { *(float2 *)p = make_float2(a, b); }
INLINE void put_pair(bf16 *p, float a, float b) { *(unsigned *)p = bf16_bits(a) | bf16_bits(b) << 16; }
INLINE float2 get_pair(const float *p) { return *(const float2 *)p; }
INLINE float2 get_pair(const bf16 *p) {
  const unsigned both = *(const unsigned *)p;
  return make_float2(float_of(both << 16), float_of(both & 0xffff0000u));
}

// Blocks of 64 channels by 32 places of a plane go through shared memory; the number of channels is even.
#define TILE_CHANNELS 64u
#define TILE_PLACES 32u

// (N, C, plane) to (N, plane, C), through an activation where there is one
template <class T> INLINE void to_channels_last_of(const float *x, T *y, unsigned has_before, float before, unsigned channels, unsigned plane) {
  SHARED float tile[TILE_CHANNELS][TILE_PLACES + 1];
  const unsigned c0 = blockIdx.y * TILE_CHANNELS, p0 = blockIdx.x * TILE_PLACES;
  const unsigned c_count = min(TILE_CHANNELS, channels - c0), p_count = min(TILE_PLACES, plane - p0);
  const float *from = x + ((size_t)blockIdx.z * channels + c0) * plane + p0;
  T *to = y + ((size_t)blockIdx.z * plane + p0) * channels + c0;
  PHASE(t) {
    const unsigned place = t % TILE_PLACES;
    if (place < p_count)
      for (unsigned c = t / TILE_PLACES; c < c_count; c += THREADS / TILE_PLACES) {
        const float value = from[(size_t)c * plane + place];
        tile[c][place] = has_before ? leaky(value, before) : value;
      }
  }
  SYNC();
  PHASE(t) {
    const unsigned pairs = c_count / 2;
    for (unsigned j = t; j < p_count * pairs; j += THREADS) {
      const unsigned place = j / pairs, c = 2 * (j - place * pairs);
      put_pair(to + (size_t)place * channels + c, tile[c][place], tile[c + 1][place]);
    }
  }
}
KERNEL(to_channels_last, const float *x, float *y, unsigned has_before, float before, unsigned channels, unsigned plane) {
  to_channels_last_of(x, y, has_before, before, channels, plane);
}
KERNEL(to_channels_last_bf16, const float *x, bf16 *y, unsigned has_before, float before, unsigned channels, unsigned plane) {
  to_channels_last_of(x, y, has_before, before, channels, plane);
}

// (N, plane, C) to (N, C, plane), and the epilogue
template <class T> INLINE void from_channels_last_of(const T *x, float *y, Epilogue e, unsigned channels, unsigned plane) {
  SHARED float tile[TILE_CHANNELS][TILE_PLACES + 1];
  const unsigned c0 = blockIdx.y * TILE_CHANNELS, p0 = blockIdx.x * TILE_PLACES;
  const unsigned c_count = min(TILE_CHANNELS, channels - c0), p_count = min(TILE_PLACES, plane - p0);
  const T *from = x + ((size_t)blockIdx.z * plane + p0) * channels + c0;
  const size_t to = ((size_t)blockIdx.z * channels + c0) * plane + p0;
  PHASE(t) {
    const unsigned pairs = c_count / 2;
    for (unsigned j = t; j < p_count * pairs; j += THREADS) {
      const unsigned place = j / pairs, c = 2 * (j - place * pairs);
      const float2 both = get_pair(from + (size_t)place * channels + c);
      tile[c][place] = both.x;
      tile[c + 1][place] = both.y;
    }
  }
  SYNC();
  PHASE(t) {
    const unsigned place = t % TILE_PLACES;
    if (place < p_count)
      for (unsigned c = t / TILE_PLACES; c < c_count; c += THREADS / TILE_PLACES) {
        const size_t i = to + (size_t)c * plane + place;
        float v = tile[c][place];
        if (e.bias) v += e.bias[c0 + c];
        if (e.has_after) v = leaky(v, e.after);
        if (e.mask) v = gate(e.mask[i], v, e.mask_slope);
        if (e.shortcut) v = weighted(v, e.scale, e.shortcut[i]);
        y[i] = v;
      }
  }
}
KERNEL(from_channels_last, const float *x, float *y, const float *bias, unsigned has_after, float after, const float *mask,
       float mask_slope, const float *shortcut, float scale, unsigned channels, unsigned plane) {
  from_channels_last_of(x, y, {bias, has_after, after, mask, mask_slope, shortcut, scale}, channels, plane);
}
KERNEL(from_channels_last_bf16, const bf16 *x, float *y, const float *bias, unsigned has_after, float after, const float *mask,
       float mask_slope, const float *shortcut, float scale, unsigned channels, unsigned plane) {
  from_channels_last_of(x, y, {bias, has_after, after, mask, mask_slope, shortcut, scale}, channels, plane);
}

// weights (K, C, taps) to (K, taps, C), and back
template <class T> INLINE void weight_to_channels_last_of(const float *x, T *y, unsigned channels, unsigned taps, unsigned n) {
  EACH(i, n) {
    const unsigned c = i % channels, tap = i / channels % taps, k = i / channels / taps;
    put(y + i, x[(k * channels + c) * taps + tap]);
  }
}
KERNEL(weight_to_channels_last, const float *x, float *y, unsigned channels, unsigned taps, unsigned n) {
  weight_to_channels_last_of(x, y, channels, taps, n);
}
KERNEL(weight_to_channels_last_bf16, const float *x, bf16 *y, unsigned channels, unsigned taps, unsigned n) {
  weight_to_channels_last_of(x, y, channels, taps, n);
}
template <class T> INLINE void weight_from_channels_last_of(const T *x, float *y, unsigned channels, unsigned taps, unsigned n) {
  EACH(i, n) {
    const unsigned tap = i % taps, c = i / taps % channels, k = i / taps / channels;
    y[i] = get(x + (k * taps + tap) * channels + c);
  }
}
KERNEL(weight_from_channels_last, const float *x, float *y, unsigned channels, unsigned taps, unsigned n) {
  weight_from_channels_last_of(x, y, channels, taps, n);
}
KERNEL(weight_from_channels_last_bf16, const bf16 *x, float *y, unsigned channels, unsigned taps, unsigned n) {
  weight_from_channels_last_of(x, y, channels, taps, n);
}
