(* Extract.v - the functions that the theorems are about, as OCaml: the oracles of proofs/algorithms/oracle.

   Integers stay Coq's own (lists of binary digits): nothing is mapped to the machine's. Only booleans, options, pairs and
   lists become OCaml's, which have the same constructors. *)
From Coq Require Import ZArith Extraction ExtrOcamlBasic.
From Ashlar Require Heap HeapLaws HeapFree Tlsf Buddy BuddyLaws Words Bins Bitmap BitmapLaws Sliding.

(* Names of several modules, kept apart. *)
Definition buddy_take := Buddy.take.
Definition buddy_release := Buddy.release.
Definition bins_empty := Bins.empty.
Definition bins_push := Bins.push.
Definition bins_remove := Bins.remove.
Definition bins_first_from := Bins.first_from.
Definition bitmap_allocate := BitmapLaws.allocate.
Definition bitmap_deallocate := BitmapLaws.deallocate.

Extraction Language OCaml.
Extraction "extracted.ml"
  Heap.take Heap.release_as Heap.fits
  HeapFree.first_fit HeapFree.next_fit HeapFree.best_fit HeapFree.insert HeapFree.drop HeapFree.clear_of
  Tlsf.tlsf_class Tlsf.class_of Tlsf.searched_for
  buddy_take buddy_release Buddy.order_at Buddy.least_free Buddy.free_blocks BuddyLaws.rounded
  bins_empty bins_push bins_remove bins_first_from
  Bitmap.set_free bitmap_allocate bitmap_deallocate
  Sliding.slide.
