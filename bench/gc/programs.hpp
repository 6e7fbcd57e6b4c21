// The programs, each written once for every memory. They return a number that must be the same on all.
// Long: seven programs of forty lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memories.hpp"

struct random_numbers {
    std::uint64_t state = 88172645463325252;
    std::uint64_t operator()() {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^= state << 17;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>((*this)() % n); }
};

template <class M>
struct tree {
    typename M::template field<tree> left{}, right{};
    std::uint32_t i = 0, j = 0;
    static constexpr bool gc_relocatable = true;
    static constexpr auto gc_members = ashlar::gc::members(&tree::left, &tree::right);
};

/// Ellis, Kovac and Boehm's GCBench: trees built from both ends, while a tree and an array live.
template <class M>
class gcbench {
public:
    using node = tree<M>;
    using local = typename M::template local<node>;

    static std::uint64_t run(M& m) {
        gcbench b{m};
        { auto stretch = b.bottom_up(stretch_depth); b.drop(&*stretch); }
        auto lives = m.template make<node>();
        b.populate(long_depth, lives);
        auto numbers = m.template make_array<double>(500'000);
        for (std::size_t i = 0; i != numbers->size() / 2; ++i) (*numbers)[i] = 1.0 / static_cast<double>(i + 1);
        std::uint64_t n = 0;
        for (int d = 4; d <= most_depth; d += 2) {
            const int times = static_cast<int>((std::size_t{2} << stretch_depth) / ((std::size_t{1} << d)));
            for (int i = 0; i != times; ++i) {
                auto a = m.template make<node>();
                b.populate(d, a);
                b.drop(&*a);
                auto c = b.bottom_up(d);
                n += b.count(&*c);
                b.drop(&*c);
            }
        }
        n += b.count(&*lives) + static_cast<std::uint64_t>((*numbers)[1000] * 1e6);
        b.drop(&*lives);
        m.destroy(&*numbers);
        return n;
    }

protected:
    static constexpr int stretch_depth = 18, long_depth = 16, most_depth = 16;
    explicit gcbench(M& m) : m_(m) {}

    local bottom_up(int depth) {
        if (depth == 0) return m_.template make<node>();
        auto l = bottom_up(depth - 1), r = bottom_up(depth - 1);
        return m_.template make<node>(l, r);
    }
    void populate(int depth, typename M::template argument<node> n) {
        if (depth == 0) return;
        n->left = m_.template make<node>();
        n->right = m_.template make<node>();
        populate(depth - 1, local(n->left));
        populate(depth - 1, local(n->right));
    }
    static std::uint64_t count(const node* n) {
        return 1 + (n->left ? count(&*n->left) : 0) + (n->right ? count(&*n->right) : 0);
    }
    void drop(node* n) {
        if constexpr (M::by_hand) {
            if (n == nullptr) return;
            drop(n->left);
            drop(n->right);
            m_.destroy(n);
        }
    }
    M& m_;
};

/// The benchmarks game's binary-trees.
template <class M>
class binary_trees : gcbench<M> {
public:
    static std::uint64_t run(M& m) {
        binary_trees b(m);
        constexpr int n = 17;
        std::uint64_t sum = 0;
        auto lives = b.bottom_up(n);
        for (int d = 4; d <= n; d += 4) {
            const int times = 1 << (n - d + 4);
            for (int i = 0; i != times; ++i) {
                auto t = b.bottom_up(d);
                sum += b.count(&*t);
                b.drop(&*t);
            }
        }
        sum += b.count(&*lives);
        b.drop(&*lives);
        return sum;
    }

private:
    explicit binary_trees(M& m) : gcbench<M>(m) {}
};

/// Octane's splay: a splay tree from which the least is removed as new keys come, with trees as payload.
template <class M>
class splay {
public:
    struct payload {
        typename M::template field<payload> left{}, right{};
        std::uint64_t a[4] = {};
        static constexpr bool gc_relocatable = true;
        static constexpr auto gc_members = ashlar::gc::members(&payload::left, &payload::right);
    };
    struct node {
        std::uint64_t key = 0;
        typename M::template field<node> left{}, right{};
        typename M::template field<payload> value{};
        static constexpr bool gc_relocatable = true;
        static constexpr auto gc_members = ashlar::gc::members(&node::left, &node::right, &node::value);
    };

    static std::uint64_t run(M& m) {
        splay s{m};
        for (int i = 0; i != 8000; ++i) s.insert();
        for (int i = 0; i != 60'000; ++i) {
            s.insert();
            s.remove_least();
        }
        std::uint64_t sum = 0;
        while (s.top_ != nullptr) sum += s.remove_least();
        return sum;
    }

private:
    explicit splay(M& m) : m_(m) {}

    typename M::template local<payload> make_payload(int depth) {
        if (depth == 0) return m_.template make<payload>();
        auto l = make_payload(depth - 1), r = make_payload(depth - 1);
        return m_.template make<payload>(l, r);
    }
    void drop(payload* p) {
        if constexpr (M::by_hand) {
            if (p == nullptr) return;
            drop(p->left);
            drop(p->right);
            m_.destroy(p);
        }
    }
    void insert() {
        const std::uint64_t key = random_() >> 8;
        auto n = m_.template make<node>(key);
        n->value = make_payload(4);
        if (top_ != nullptr) {
            bring(key);
            node* const t = &*top_;
            if (key > t->key) n->left = t, n->right = t->right, t->right = nullptr;
            else n->right = t, n->left = t->left, t->left = nullptr;
        }
        top_ = n;
    }
    std::uint64_t remove_least() {
        bring(0);
        node* const t = &*top_;
        const std::uint64_t key = t->key;
        drop(&*t->value);
        typename M::template local<node> right(t->right);
        m_.destroy(t);
        top_ = right;
        return key;
    }
    /// Top-down splaying (Sleator and Tarjan). Nothing is made here, so plain pointers do.
    void bring(std::uint64_t key) {
        node ends;
        node *l = &ends, *r = &ends, *t = &*top_;
        for (;;) {
            if (key < t->key) {
                if (!t->left) break;
                if (key < t->left->key) {
                    node* const y = &*t->left;
                    t->left = y->right, y->right = t;
                    t = y;
                    if (!t->left) break;
                }
                r->left = t, r = t, t = &*t->left;
            } else if (key > t->key) {
                if (!t->right) break;
                if (key > t->right->key) {
                    node* const y = &*t->right;
                    t->right = y->left, y->left = t;
                    t = y;
                    if (!t->right) break;
                }
                l->right = t, l = t, t = &*t->right;
            } else {
                break;
            }
        }
        l->right = t->left, r->left = t->right;
        t->left = ends.right, t->right = ends.left;
        top_ = typename M::template local<node>(t);
    }

    M& m_;
    typename M::template local<node> top_{};
    random_numbers random_;
};

/// A quad tree lives; small ones come and go, and parts of the large one are replaced.
template <class M>
class quads {
public:
    struct node {
        typename M::template field<node> part[4]{};
        static constexpr bool gc_relocatable = true;
        void trace(auto& visit) const { visit(part); }
    };
    static std::uint64_t run(M& m) {
        quads q{m};
        random_numbers random;
        auto lives = q.build(8);
        std::uint64_t sum = 0;
        for (int i = 0; i != 20'000; ++i) {
            auto t = q.build(3);
            if (i % 4 == 0) {
                node* at = &*lives;
                for (int d = 0; d != 4; ++d) at = &*at->part[random.below(4)];
                auto& there = at->part[random.below(4)];
                q.drop(&*there);
                there = t;
            } else {
                sum += count(&*t);
                q.drop(&*t);
            }
        }
        sum += count(&*lives);
        q.drop(&*lives);
        return sum;
    }

private:
    explicit quads(M& m) : m_(m) {}
    typename M::template local<node> build(int depth) {
        auto n = m_.template make<node>();
        if (depth != 0) for (auto& p : n->part) p = build(depth - 1);
        return n;
    }
    static std::uint64_t count(const node* n) {
        std::uint64_t sum = 1;
        for (const auto& p : n->part) if (p) sum += count(&*p);
        return sum;
    }
    void drop(node* n) {
        if constexpr (M::by_hand) {
            if (n == nullptr) return;
            for (auto& p : n->part) drop(p);
            m_.destroy(n);
        }
    }
    M& m_;
};

/// A long list lives; shorter ones are made, reversed and dropped.
template <class M>
class lists {
public:
    struct node {
        typename M::template field<node> next{};
        std::uint64_t value = 0;
        static constexpr bool gc_relocatable = true;
        static constexpr auto gc_members = ashlar::gc::members(&node::next);
    };
    static std::uint64_t run(M& m) {
        lists l{m};
        auto lives = l.make(400'000);
        std::uint64_t sum = 0;
        for (int i = 0; i != 400; ++i) {
            auto t = l.make(20'000);
            sum += l.reverse(t);
        }
        sum += l.reverse(lives);
        return sum;
    }

private:
    explicit lists(M& m) : m_(m) {}
    typename M::template local<node> make(std::uint64_t n) {
        typename M::template local<node> head{};
        for (; n != 0; --n) head = m_.template make<node>(head, n);
        return head;
    }
    std::uint64_t reverse(typename M::template local<node>& head) {
        node *done = nullptr, *at = &*head;
        while (at != nullptr) {
            node* const next = &*at->next;
            at->next = done;
            done = at;
            at = next;
        }
        std::uint64_t sum = 0;
        while (done != nullptr) {
            node* const next = &*done->next;
            sum = sum * 31 + done->value;
            m_.destroy(done);
            done = next;
        }
        return sum;
    }
    M& m_;
};

/// Arrays of references, of many lengths, replaced in no order.
template <class M>
class arrays {
public:
    struct item {
        std::uint64_t value = 0;
        static constexpr bool gc_leaf = true;
    };
    using row = typename M::template array<typename M::template field<item>>;
    struct table {
        typename M::template field<row> rows[2000]{};
        static constexpr bool gc_relocatable = true;
        void trace(auto& visit) const { visit(rows); }
    };
    static std::uint64_t run(M& m) {
        random_numbers random;
        auto all = m.template make<table>();
        std::uint64_t sum = 0;
        for (std::size_t k = 0; k != 60'000; ++k) {
            auto& place = all->rows[random.below(2000)];
            if (place) {
                auto& old = *place;
                for (std::size_t i = 0; i != old.size(); ++i) {
                    if (old[i]) sum += old[i]->value, m.destroy(&*old[i]);
                }
                m.destroy(&old);
            }
            const std::size_t n = 1 + random.below(random.below(10) == 0 ? 1000 : 60);
            auto fresh = m.template make_array<typename M::template field<item>>(n);
            for (std::size_t i = 0; i < n; i += 2) (*fresh)[i] = m.template make<item>(k + i);
            place = fresh;
        }
        return sum;
    }
};

/// Words are looked up in a table of chains, and made where they are new; the table is begun anew now and then.
template <class M>
class interning {
public:
    using text = typename M::template array<char>;
    struct entry {
        typename M::template field<entry> next{};
        typename M::template field<text> word{};
        std::uint32_t hash = 0, uses = 0;
        static constexpr bool gc_relocatable = true;
        static constexpr auto gc_members = ashlar::gc::members(&entry::next, &entry::word);
    };
    struct table {
        typename M::template field<entry> chains[1 << 15]{};
        static constexpr bool gc_relocatable = true;
        void trace(auto& visit) const { visit(chains); }
    };
    static std::uint64_t run(M& m) {
        random_numbers random;
        auto all = m.template make<table>();
        std::uint64_t sum = 0;
        for (int i = 0; i != 3'000'000; ++i) {
            char word[32];
            const std::size_t n = spell(random.below(random.below(4) == 0 ? 400'000 : 5'000), word);
            std::uint32_t hash = 2166136261;
            for (std::size_t k = 0; k != n; ++k) hash = (hash ^ static_cast<unsigned char>(word[k])) * 16777619;
            auto& chain = all->chains[(hash >> 10) % (1 << 15)];
            entry* e = &*chain;
            while (e != nullptr && !(e->hash == hash && e->word->size() == n && std::memcmp(e->word->data(), word, n) == 0)) e = &*e->next;
            if (e == nullptr) {
                auto t = m.template make_array<char>(n);
                std::memcpy(t->data(), word, n);
                chain = m.template make<entry>(chain, t, hash);
                e = &*chain;
            }
            sum += ++e->uses;
            if (i % 500'000 == 499'999) forget(m, *all);
        }
        forget(m, *all);
        return sum;
    }

private:
    /// Without divisions: the words are the input, and are not to be what is measured.
    static std::size_t spell(std::size_t number, char* to) {
        std::size_t n = 0;
        for (std::size_t k = number * 7919 + 1000; k != 0; k >>= 2) to[n++] = static_cast<char>('a' + k % 16);
        return n;
    }
    static void forget(M& m, table& all) {
        for (auto& chain : all.chains) {
            for (entry* e = &*chain; M::by_hand && e != nullptr;) {
                entry* const next = &*e->next;
                m.destroy(&*e->word);
                m.destroy(e);
                e = next;
            }
            chain = nullptr;
        }
    }
};
