-- binary_trees - an interpreter with a garbage collector: trees are built, walked and dropped, as Lua tables.
--
-- Stresses: realloc as the only door (Lua asks for everything through one function), blocks of two or three sizes.
-- Source:   Boehm's GCBench (1997), in the form that the Computer Language Benchmarks Game made known.
local scale = tonumber(arg[1])

local function tree(depth)
    if depth == 0 then return {} end
    return { tree(depth - 1), tree(depth - 1) }
end

local function nodes(t)
    return t[1] and 1 + nodes(t[1]) + nodes(t[2]) or 1
end

local lasting = tree(14)
for depth = 4, 14, 2 do
    local count = math.max(1, math.floor(2 * scale * 2 ^ (14 - depth + 2)))
    local sum = 0
    for _ = 1, count do sum = sum + nodes(tree(depth)) end
    print(count, depth, sum)
end
print(nodes(lasting))
