(* Buddy.v - strategy/buddy.hpp: halve a block until the halves fit, join buddies that are both free.

   A region is a binary tree. Offsets count least blocks (16 bytes); a block of order k is size k of them. Which of the
   free blocks of the least sufficient order is halved is left open: the laws hold for each choice. *)
From Coq Require Import ZArith List Bool Lia Arith.
Open Scope Z_scope.
Arguments Z.mul : simpl never.
Arguments Z.add : simpl never.

Inductive tree := Free | Used | Split (l r : tree).
Fixpoint size (n : nat) : Z := match n with O => 1 | S m => 2 * size m end.

(* Halves until the rest is of order k, and takes the first (buddy::halve). *)
Fixpoint carve (n k : nat) : tree :=
  match n with
  | O => Used
  | S m => if Nat.eqb (S m) k then Used else Split (carve m k) Free
  end.
(* allocate, out of the free block that begins at off *)
Fixpoint take (n : nat) (t : tree) (off : Z) (k : nat) {struct t} : option tree :=
  match t with
  | Free => if (off =? 0) && Nat.leb k n then Some (carve n k) else None
  | Used => None
  | Split l r =>
      match n with
      | O => None
      | S m => if off <? size m then match take m l off k with Some l' => Some (Split l' r) | None => None end
               else match take m r (off - size m) k with Some r' => Some (Split l r') | None => None end
      end
  end.
Definition join (l r : tree) : tree := match l, r with Free, Free => Free | _, _ => Split l r end.
(* deallocate, which is told the order by the layout (buddy::is_live, buddy::give) *)
Fixpoint release (n : nat) (t : tree) (off : Z) (k : nat) {struct t} : option tree :=
  match t with
  | Free => None
  | Used => if (off =? 0) && Nat.eqb k n then Some Free else None
  | Split l r =>
      match n with
      | O => None
      | S m => if off <? size m then match release m l off k with Some l' => Some (join l' r) | None => None end
               else match release m r (off - size m) k with Some r' => Some (join l r') | None => None end
      end
  end.
(* The order of the free block that begins at off. *)
Fixpoint order_at (n : nat) (t : tree) (off : Z) {struct t} : option nat :=
  match t with
  | Free => if off =? 0 then Some n else None
  | Used => None
  | Split l r =>
      match n with
      | O => None
      | S m => if off <? size m then order_at m l off else order_at m r (off - size m)
      end
  end.
(* The least order not below k of which a block is free: what buddy finds by one scan of bits. *)
Fixpoint least_free (n : nat) (t : tree) (k : nat) {struct t} : option nat :=
  match t with
  | Free => if Nat.leb k n then Some n else None
  | Used => None
  | Split l r =>
      match n with
      | O => None
      | S m => match least_free m l k, least_free m r k with
               | Some a, Some b => Some (Nat.min a b)
               | Some a, None => Some a
               | None, b => b
               end
      end
  end.
(* Free blocks in order of address, as (offset, order). *)
Fixpoint free_blocks (n : nat) (t : tree) (base : Z) {struct t} : list (Z * nat) :=
  match t with
  | Free => cons (base, n) nil
  | Used => nil
  | Split l r => match n with O => nil | S m => free_blocks m l base ++ free_blocks m r (base + size m) end
  end.

(* A block splits only down to the least order; no two buddies are free (buddy.I2). *)
Fixpoint ok (n : nat) (t : tree) {struct t} : Prop :=
  match t with
  | Split l r => match n with O => False | S m => ok m l /\ ok m r /\ ~ (l = Free /\ r = Free) end
  | _ => True
  end.
Fixpoint is_free (n : nat) (t : tree) (x : Z) {struct t} : bool :=
  match t with
  | Free => true
  | Used => false
  | Split l r => match n with O => false | S m => if x <? size m then is_free m l x else is_free m r (x - size m) end
  end.
Fixpoint is_live (n : nat) (t : tree) (off : Z) (k : nat) {struct t} : bool :=
  match t with
  | Free => false
  | Used => (off =? 0) && Nat.eqb k n
  | Split l r => match n with O => false | S m => if off <? size m then is_live m l off k else is_live m r (off - size m) k end
  end.
Fixpoint free_size (n : nat) (t : tree) {struct t} : Z :=
  match t with
  | Free => size n | Used => 0
  | Split l r => match n with O => 0 | S m => free_size m l + free_size m r end
  end.
Fixpoint live_size (n : nat) (t : tree) {struct t} : Z :=
  match t with
  | Free => 0 | Used => size n
  | Split l r => match n with O => 0 | S m => live_size m l + live_size m r end
  end.
Definition within (off : Z) (k : nat) (x : Z) : bool := (off <=? x) && (x <? off + size k).

Lemma size_pos n : 0 < size n.
Proof. induction n; simpl; lia. Qed.
Lemma size_divides k n : (k <= n)%nat -> (size k | size n).
Proof. induction 1; [exists 1; lia|]. simpl. apply Z.divide_mul_r. trivial. Qed.
Lemma size_less a b : (a < b)%nat -> size a < size b.
Proof. induction 1; simpl; pose proof (size_pos a); lia. Qed.
Lemma size_le k n : size k <= size n -> (k <= n)%nat.
Proof. intros H. destruct (le_lt_dec k n) as [|L]; trivial. pose proof (size_less _ _ L). lia. Qed.
Ltac inside n := pose proof (size_pos n).

Lemma carve_not_free n k : carve n k <> Free.
Proof. destruct n; cbn [carve]; [discriminate|]. destruct (Nat.eqb _ _); discriminate. Qed.
Lemma take_not_free n : forall t off k t', take n t off k = Some t' -> t' <> Free.
Proof.
  destruct n; intros t off k t'; destruct t; simpl; try discriminate;
  repeat (match goal with |- context [if ?c then _ else _] => destruct c end); try discriminate;
  repeat (match goal with |- context [match ?c with Some _ => _ | None => _ end] => destruct c end); try discriminate;
  intros [= <-]; try discriminate; destruct (Nat.eqb _ _); discriminate.
Qed.
Lemma carve_ok n : forall k, (k <= n)%nat -> ok n (carve n k).
Proof.
  induction n as [|m IH]; intros k K; cbn [carve]; [exact I|].
  destruct (Nat.eqb (S m) k) eqn:E; [exact I|]. apply Nat.eqb_neq in E.
  split; [apply IH; lia|]. split; [exact I|]. intros [A _]. exact (carve_not_free _ _ A).
Qed.
(* buddy.I1, buddy.I2 are kept. *)
Theorem take_ok n : forall t off k t', ok n t -> take n t off k = Some t' -> ok n t'.
Proof.
  induction n as [|m IH]; intros t off k t' K; destruct t; simpl; try discriminate; try contradiction.
  - destruct ((off =? 0) && Nat.leb k 0); [|discriminate]. now intros [= <-].
  - destruct ((off =? 0) && _) eqn:C; [|discriminate]. intros [= <-]. apply andb_true_iff in C. destruct C as [_ C].
    apply (carve_ok (S m)). apply Nat.leb_le. exact C.
  - destruct K as (A & B & N). destruct (off <? size m).
    + destruct (take m t1 off k) as [l'|] eqn:T; [|discriminate]. intros [= <-]. simpl. repeat split; eauto.
      intros [F _]. exact (take_not_free _ _ _ _ _ T F).
    + destruct (take m t2 (off - size m) k) as [r'|] eqn:T; [|discriminate]. intros [= <-]. simpl. repeat split; eauto.
      intros [_ F]. exact (take_not_free _ _ _ _ _ T F).
Qed.
Theorem release_ok n : forall t off k t', ok n t -> release n t off k = Some t' -> ok n t'.
Proof.
  assert (J : forall m l r, ok m l -> ok m r -> ok (S m) (join l r)).
  { intros m l r A B. destruct l, r; simpl; intuition discriminate. }
  induction n as [|m IH]; intros t off k t' K; destruct t; simpl; try discriminate; try contradiction.
  - destruct ((off =? 0) && _); [|discriminate]. now intros [= <-].
  - destruct ((off =? 0) && _); [|discriminate]. now intros [= <-].
  - destruct K as (A & B & N). destruct (off <? size m).
    + destruct (release m t1 off k) as [l'|] eqn:T; [|discriminate]. intros [= <-]. apply J; eauto.
    + destruct (release m t2 (off - size m) k) as [r'|] eqn:T; [|discriminate]. intros [= <-]. apply J; eauto.
Qed.

(* C1: aligned to its own size, within the region. *)
Theorem take_place n : forall t off k t', take n t off k = Some t' ->
  (size k | off) /\ 0 <= off /\ off + size k <= size n /\ (k <= n)%nat.
Proof.
  induction n as [|m IH]; intros t off k t'; destruct t; simpl; try discriminate.
  - destruct (off =? 0) eqn:O; [|discriminate]. destruct (Nat.leb k 0) eqn:L; [|discriminate]. intros _.
    apply Z.eqb_eq in O. apply Nat.leb_le in L. subst. assert (k = O) by lia. subst. simpl.
    refine (conj _ (conj _ (conj _ _))); try lia. exists 0. lia.
  - destruct (off =? 0) eqn:O; [|discriminate]. destruct (Nat.leb k (S m)) eqn:L; [|discriminate]. intros _.
    apply Z.eqb_eq in O. apply Nat.leb_le in L. subst. pose proof (size_divides k (S m) L) as D.
    apply Z.divide_pos_le in D; [|apply size_pos]. simpl in *.
    refine (conj _ (conj _ (conj _ _))); try lia. exists 0. lia.
  - destruct (off <? size m) eqn:O; [apply Z.ltb_lt in O | apply Z.ltb_ge in O].
    + destruct (take m t1 off k) as [l'|] eqn:T; [|discriminate]. intros _. destruct (IH _ _ _ _ T) as (A & B & C & D).
      inside m. refine (conj _ (conj _ (conj _ _))); trivial; lia.
    + destruct (take m t2 (off - size m) k) as [r'|] eqn:T; [|discriminate]. intros _. destruct (IH _ _ _ _ T) as (A & B & C & D).
      inside m. refine (conj _ (conj _ (conj _ _))); try lia. replace off with (off - size m + size m) by lia. apply Z.divide_add_r; trivial. apply size_divides. lia.
Qed.
Lemma carve_free n : forall k x, (k <= n)%nat -> 0 <= x < size n -> is_free n (carve n k) x = negb (within 0 k x).
Proof.
  induction n as [|m IH]; intros k x K X.
  - assert (k = O) by lia. subst. simpl in *. unfold within. simpl. replace x with 0 by lia. reflexivity.
  - cbn [carve]. destruct (Nat.eqb (S m) k) eqn:E.
    + apply Nat.eqb_eq in E. subst. unfold within. cbn [is_free]. symmetry. apply negb_false_iff. apply andb_true_iff.
      rewrite Z.leb_le, Z.ltb_lt. lia.
    + apply Nat.eqb_neq in E. cbn [is_free]. simpl in X. destruct (x <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L].
      * apply IH; lia.
      * symmetry. apply negb_true_iff. unfold within. apply andb_false_iff. right. apply Z.ltb_ge.
        pose proof (Z.divide_pos_le _ _ (size_pos m) (size_divides k m ltac:(lia))). lia.
Qed.
Lemma within_shift off k x d : within (off - d) k (x - d) = within off k x.
Proof. unfold within. f_equal; apply eq_true_iff_eq; rewrite ?Z.leb_le, ?Z.ltb_lt; lia. Qed.
(* Just the granted bytes change, and they were free. *)
Theorem take_free n : forall t off k t', take n t off k = Some t' -> forall x, 0 <= x < size n ->
  is_free n t' x = is_free n t x && negb (within off k x) /\ (within off k x = true -> is_free n t x = true).
Proof.
  induction n as [|m IH]; intros t off k t' T x X; pose proof (take_place _ _ _ _ _ T) as (_ & P1 & P2 & P3);
  destruct t; try discriminate; cbn [take] in T.
  - destruct ((off =? 0) && _) eqn:C; [|discriminate]. assert (t' = carve 0 k) as -> by congruence. rewrite carve_free by lia.
    apply andb_true_iff in C. destruct C as [C _]. apply Z.eqb_eq in C. subst. auto.
  - destruct ((off =? 0) && _) eqn:C; [|discriminate]. assert (t' = carve (S m) k) as -> by congruence. rewrite carve_free by lia.
    apply andb_true_iff in C. destruct C as [C _]. apply Z.eqb_eq in C. subst. auto.
  - simpl in X. destruct (off <? size m) eqn:O; [apply Z.ltb_lt in O | apply Z.ltb_ge in O].
    + destruct (take m t1 off k) as [l'|] eqn:T1; [|discriminate]. injection T as <-. cbn [is_free].
      pose proof (take_place _ _ _ _ _ T1) as (_ & Q1 & Q2 & Q3).
      destruct (x <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L]; [apply (IH _ _ _ _ T1); lia|].
      assert (W : within off k x = false) by (unfold within; apply andb_false_iff; right; apply Z.ltb_ge; lia).
      rewrite W. split; [now rewrite andb_true_r | discriminate].
    + destruct (take m t2 (off - size m) k) as [r'|] eqn:T1; [|discriminate]. injection T as <-. cbn [is_free].
      destruct (x <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L].
      * assert (W : within off k x = false) by (unfold within; apply andb_false_iff; left; apply Z.leb_gt; lia).
        rewrite W. split; [now rewrite andb_true_r | discriminate].
      * rewrite <- (within_shift off k x (size m)). apply (IH _ _ _ _ T1). lia.
Qed.
