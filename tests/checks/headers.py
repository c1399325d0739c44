#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who includes a public header of the library gets few others with it: what some reach is counted.

A container that reaches the heap's headers makes every program that has a vector compile a heap.
"""
import tree

# Headers of this tree that a header includes, directly or not.
MOST = {
    "vector.hpp": 16,
}


def main():
    violations = []
    for header, most in MOST.items():
        name = f"{tree.PUBLIC}/{header}"
        reached = sorted(tree.headers_reached(name) - {name})
        if not reached:
            violations.append(f"{name}: is not there, or includes nothing")
        elif len(reached) > most:
            violations.append(f"{name}: reaches {len(reached)} headers, {most} at most: "
                              f"{', '.join(reached)}")
    tree.finish(violations, "headers")


if __name__ == "__main__":
    main()
